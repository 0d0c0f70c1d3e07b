// SPDX-License-Identifier: MIT
// Nobody who is busy starves the others, and nobody who is idle costs anything.
#include <deque>

#include "deferred/testing/conformance/cases.hpp"
#include "deferred/testing/conformance/fixtures.hpp"
#include "deferred/yieldables/readable.hpp"

namespace deferred::testing::conformance {
namespace {

using namespace std::chrono_literals;
using enum Capability;

/// Posts itself for ever, until it is let go.
struct BusyPoster {
  explicit BusyPoster(Reactor& on) : reactor(on) { post(); }
  void post() {
    reactor.post([this] {
      ++count;
      if (!over) post();
    });
  }
  Reactor& reactor;
  long count = 0;
  bool over = false;
};

/// Never waits for more than a turn.
Task<> never_sleeps(long& rounds, const bool& over) {
  while (!over) {
    ++rounds;
    co_await Pause{};
  }
}

const ConformanceCase cases_of_fairness[] = {
    {"a busy poster does not keep a timer from its call", real_time,
     [](Context& c) {
       BusyPoster poster(c.reactor());
       c.run_for(3ms);
       poster.over = true;
       c.turns(2);
       c.check(poster.count > 0, "it was busy");
     }},
    {"a busy poster does not keep a descriptor from its report", descriptors,
     [](Context& c) {
       BusyPoster poster(c.reactor());
       SocketPair pair;
       pair.write(1);
       bool told = false;
       const Watch watch = c.reactor().watch(pair[0], Ready::read, [&] {
         told = true;
         c.reactor().stop();
       });
       c.reactor().run();
       poster.over = true;
       c.turns(2);
       c.check(told, "it is reported");
     }},
    {"a busy poster does not keep another thread's call from being made", threads,
     [](Context& c) {
       Reactor& reactor = c.reactor();
       BusyPoster poster(reactor);
       const Joined sender([&] { reactor.call_from_thread([&] { reactor.stop(); }); });
       reactor.run();
       poster.over = true;
       c.turns(2);
     }},
    {"a task that never sleeps does not keep timers and descriptors from theirs", descriptors,
     [](Context& c) {
       long rounds = 0;
       bool over = false, called = false;
       spawn(c.reactor(), never_sleeps(rounds, over));
       std::deque<SocketPair> pairs(20);
       std::vector<Watch> watches;
       int reports = 0;
       for (SocketPair& pair : pairs) {
         pair.write(1);
         watches.push_back(c.reactor().watch(pair[0], Ready::read, [&] {
           ++reports;
           pair.drain(0);
         }));
       }
       const DelayedCall timer = c.reactor().call_later(0ns, [&] { called = true; });
       c.turns(5);
       over = true;
       c.turn();
       c.equal(reports, 20, "the number of reports");
       c.check(called, "the timer was called");
       c.equal(rounds, 5L, "the number of rounds of the task");
     }},
    {"twenty busy descriptors do not keep a timer, a post or a task from theirs", descriptors,
     [](Context& c) {
       std::deque<SocketPair> pairs(20);
       std::vector<Watch> watches;
       std::vector<int> reports(20, 0);
       for (std::size_t i = 0; i < 20; ++i) {
         pairs[i].write(1);  // never read: always ready
         watches.push_back(
             c.reactor().watch(pairs[i][0], Ready::read, [&reports, i] { ++reports[i]; }));
       }
       long rounds = 0;
       bool over = false, posted = false, called = false;
       spawn(c.reactor(), never_sleeps(rounds, over));
       c.reactor().post([&] { posted = true; });
       const DelayedCall timer = c.reactor().call_later(0ns, [&] { called = true; });
       c.turns(5);
       over = true;
       c.turn();
       c.check(posted && called, "post and timer had their turns");
       c.equal(rounds, 5L, "the number of rounds of the task");
       for (const int count : reports) c.equal(count, 6, "the number of one's reports");
     }},
    {"descriptors that are always ready are reported evenly", descriptors,
     [](Context& c) {
       std::deque<SocketPair> pairs(20);
       std::vector<Watch> watches;
       std::vector<int> reports(20, 0);
       for (std::size_t i = 0; i < 20; ++i) {
         pairs[i].write(1);
         watches.push_back(
             c.reactor().watch(pairs[i][0], Ready::read, [&reports, i] { ++reports[i]; }));
       }
       c.turns(50);
       for (const int count : reports) c.equal(count, 50, "the number of one's reports");
     }},
    {"many timers at once do not keep descriptors from their reports", descriptors,
     [](Context& c) {
       SocketPair pair;
       pair.write(1);
       int calls = 0, reports = 0;
       for (int i = 0; i < 2000; ++i) c.reactor().call_later(0ns, [&] { ++calls; }).detach();
       const Watch watch = c.reactor().watch(pair[0], Ready::read, [&] { ++reports; });
       c.turns(2);
       c.equal(calls, 2000, "the number of calls");
       c.equal(reports, 2, "the number of reports");
     }},
    {"a timer that sets itself anew without delay does not keep descriptors from theirs",
     descriptors,
     [](Context& c) {
       SocketPair pair;
       pair.write(1);
       int calls = 0, reports = 0;
       std::function<void()> again = [&] {
         if (++calls < 10) c.reactor().call_later(0ns, again).detach();
       };
       c.reactor().call_later(0ns, again).detach();
       const Watch watch = c.reactor().watch(pair[0], Ready::read, [&] { ++reports; });
       c.turns(10);
       c.equal(calls, 10, "the number of calls");
       c.equal(reports, 10, "the number of reports");
     }},
    {"tasks that never sleep take turns with each other", nothing,
     [](Context& c) {
       long rounds[3] = {};
       bool over = false;
       for (long& one : rounds) spawn(c.reactor(), never_sleeps(one, over));
       c.turns(30);
       over = true;
       c.turn();
       for (const long count : rounds) c.equal(count, 30L, "the number of one's rounds");
     }},
    {"ten thousand sleeping tasks cost next to no processor time", real_time,
     [](Context& c) {
       const auto sleep = []() -> Task<> { co_await Pause{1h}; };
       std::vector<TaskRef> sleepers;
       for (int i = 0; i < 10000; ++i) {
         Spawned<void> one = spawn(c.reactor(), sleep);
         sleepers.push_back(one.task());
       }
       c.turns(2);
       const Duration before = processor_time();
       c.run_for(60ms);
       const Duration used = processor_time() - before;
       for (TaskRef& one : sleepers) one.close();
       c.check(used < 30ms, "less than half of the time that passed");
     }},
    {"watched descriptors that are not ready cost next to no processor time",
     descriptors | real_time,
     [](Context& c) {
       std::deque<SocketPair> pairs(50);
       std::vector<Watch> watches;
       for (const SocketPair& pair : pairs) {
         watches.push_back(c.reactor().watch(pair[0], Ready::read, [] {}));
       }
       c.turns(2);
       const Duration before = processor_time();
       c.run_for(40ms);
       c.check(processor_time() - before < 20ms, "less than half of the time that passed");
     }},
};

}  // namespace

std::span<const ConformanceCase> fairness_cases() { return cases_of_fairness; }

}  // namespace deferred::testing::conformance
