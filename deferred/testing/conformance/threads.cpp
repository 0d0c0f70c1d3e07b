// SPDX-License-Identifier: MIT
// Calls and answers of other threads.
#include <deque>

#include "deferred/tasks/remote_waiter.hpp"
#include "deferred/testing/conformance/cases.hpp"
#include "deferred/testing/conformance/fixtures.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/reply.hpp"

namespace deferred::testing::conformance {
namespace {

using namespace std::chrono_literals;
using enum Capability;

const ConformanceCase cases_of_threads[] = {
    {"a call of another thread is made on the reactor's thread", threads,
     [](Context& c) {
       Reactor& reactor = c.reactor();
       std::thread::id id;
       const Joined sender([&] {
         reactor.call_from_thread([&] {
           id = std::this_thread::get_id();
           reactor.stop();
         });
       });
       reactor.run();
       c.check(id == std::this_thread::get_id(), "it is this thread");
     },
     "threads.callFromThread threads.isInIOThread threads.isNotInIOThread"},
    {"a call of another thread ends a wait without a deadline", threads,
     [](Context& c) {
       Reactor& reactor = c.reactor();
       const Joined sender([&] {
         std::this_thread::sleep_for(5ms);
         reactor.call_from_thread([&] { reactor.stop(); });
       });
       reactor.run();
     }},
    {"a call of another thread ends a wait for a distant timer, and for descriptors",
     threads | real_time | descriptors,
     [](Context& c) {
       Reactor& reactor = c.reactor();
       SocketPair pair;
       const DelayedCall distant = reactor.call_later(1h, [] {});
       const Watch watch = reactor.watch(pair[0], Ready::read, [] {});
       const Joined sender([&] {
         std::this_thread::sleep_for(5ms);
         reactor.call_from_thread([&] { reactor.stop(); });
       });
       reactor.run();
     }},
    {"a call made before run() is not lost", threads,
     [](Context& c) {
       Reactor& reactor = c.reactor();
       Joined([&] { reactor.call_from_thread([&] { reactor.stop(); }); }).join();
       reactor.run();
     }},
    {"the calls of one thread keep their order, and each is made once", threads,
     [](Context& c) {
       Reactor& reactor = c.reactor();
       int calls = 0;
       bool in_order = true;
       const Joined sender([&] {
         for (int i = 0; i < 5000; ++i) {
           reactor.call_from_thread([&, i] { in_order = in_order && calls++ == i; });
         }
         reactor.call_from_thread([&] { reactor.stop(); });
       });
       reactor.run();
       c.equal(calls, 5000, "the number of calls");
       c.check(in_order, "first in, first out");
     }},
    {"the calls of several threads are each made once, those of one in order", threads,
     [](Context& c) {
       Reactor& reactor = c.reactor();
       constexpr int senders = 4, each = 1000;
       int next[senders] = {};
       int calls = 0;
       bool in_order = true;
       std::vector<std::unique_ptr<Joined>> threads_of;
       for (int s = 0; s < senders; ++s) {
         threads_of.push_back(std::make_unique<Joined>([&, s] {
           for (int i = 0; i < each; ++i) {
             reactor.call_from_thread([&, s, i] {
               in_order = in_order && next[s]++ == i;
               if (++calls == senders * each) reactor.stop();
             });
           }
         }));
       }
       reactor.run();
       c.equal(calls, senders * each, "the number of calls");
       c.check(in_order, "first in, first out");
     }},
    {"a call for each wait of the loop: none is lost between looking and sleeping", threads,
     [](Context& c) {
       Reactor& reactor = c.reactor();
       std::atomic<int> calls{0};
       const Joined sender([&] {
         for (int i = 1; i <= 2000; ++i) {
           reactor.call_from_thread([&] { ++calls; });
           while (calls < i) std::this_thread::yield();
         }
         reactor.call_from_thread([&] { reactor.stop(); });
       });
       reactor.run();
       c.equal(calls.load(), 2000, "the number of calls");
     }},
    {"a call is not made inside another callback of the reactor", threads,
     [](Context& c) {
       Reactor& reactor = c.reactor();
       bool inside = false, nested = false;
       std::atomic<bool> sent{false};
       reactor.post([&] {
         inside = true;
         const Joined sender([&] {
           reactor.call_from_thread([&] {
             nested = inside;
             reactor.stop();
           });
           sent = true;
         });
         while (!sent) std::this_thread::yield();
         inside = false;
       });
       reactor.run();
       c.check(!nested, "it waits for its turn");
     }},
    {"calls of a thread and timers go on beside each other", threads | real_time,
     [](Context& c) {
       Reactor& reactor = c.reactor();
       int ticks = 0, calls = 0;
       std::function<void()> tick = [&] {
         if (++ticks < 5 || calls < 5) {
           reactor.call_later(1ms, tick).detach();
         } else {
           reactor.stop();
         }
       };
       reactor.call_later(1ms, tick).detach();
       const Repeated sender([&] {
         reactor.call_from_thread([&] { ++calls; });
         std::this_thread::yield();
       });
       reactor.run();
       c.check(ticks >= 5 && calls >= 5, "both went on");
     }},
    {"calls of a thread and descriptors go on beside each other", threads | descriptors,
     [](Context& c) {
       Reactor& reactor = c.reactor();
       SocketPair pair;
       int reports = 0;
       const Watch watch = reactor.watch(pair[0], Ready::read, [&] {
         pair.drain(0);
         if (++reports == 20) {
           reactor.stop();
         } else {
           pair.write(1);
         }
       });
       pair.write(1);
       const Repeated sender([&] {
         reactor.call_from_thread([] {});
         std::this_thread::yield();
       });
       reactor.run();
       c.equal(reports, 20, "the number of reports");
     }},
    {"a call may make timers, watches and tasks", threads | descriptors,
     [](Context& c) {
       Reactor& reactor = c.reactor();
       SocketPair pair;
       pair.write(1);
       std::string log;
       Watch watch;
       const Joined sender([&] {
         reactor.call_from_thread([&] {
           reactor.post([&] { log += "p"; });
           spawn(
               reactor,
               [](std::string& text) -> Task<> {
                 text += "t";
                 co_return;
               },
               std::ref(log));
           watch = reactor.watch(pair[0], Ready::read, [&] {
             log += "w";
             watch = Watch();
             reactor.call_later(1ms, [&] { reactor.stop(); }).detach();
           });
         });
       });
       reactor.run();
       c.equal(log, "pwt", "what has run: a task begins in the turn after");
     }},
    {"stop() of a thread is seen although calls keep coming", threads,
     [](Context& c) {
       Reactor& reactor = c.reactor();
       std::atomic<bool> stopped{false};
       int calls = 0;
       std::function<void()> again = [&] {
         ++calls;
         if (!stopped) reactor.call_from_thread(again);
       };
       reactor.call_from_thread(again);
       const Joined stopper([&] {
         std::this_thread::sleep_for(3ms);
         stopped = true;
         reactor.stop();
       });
       reactor.run();
       c.check(calls > 0, "calls were made");
       c.turn();
     }},
    {"an answer of another thread reaches the task that waits for it", threads,
     [](Context& c) {
       std::unique_ptr<Joined> thread;
       const int answer = c.run([&thread](Context&) -> Task<int> {
         Reply<int> reply;
         thread = std::make_unique<Joined>([send = reply.send()] {
           std::this_thread::sleep_for(2ms);
           send(42);
         });
         co_return co_await reply;
       });
       c.equal(answer, 42, "the answer");
     }},
    {"an error of another thread is thrown where its answer is awaited", threads,
     [](Context& c) {
       std::unique_ptr<Joined> thread;
       const std::string said = c.run([&thread](Context&) -> Task<std::string> {
         Reply<int> reply;
         thread = std::make_unique<Joined>(
             [send = reply.send()] { send.throw_(std::runtime_error("no luck")); });
         const auto outcome = co_await as_outcome(reply);
         co_return what_of(outcome);
       });
       c.equal(said, "no luck", "what is thrown");
     }},
    {"many tasks are answered by many threads, each with its own answer", threads,
     [](Context& c) {
       std::deque<Reply<int>> replies(16);
       std::vector<std::unique_ptr<Joined>> senders;
       std::vector<Spawned<int>> waiting;
       const auto wait = [](Reply<int>& reply) -> Task<int> { co_return co_await reply; };
       for (int i = 0; i < 16; ++i) {
         Reply<int>& reply = replies[static_cast<std::size_t>(i)];
         senders.push_back(std::make_unique<Joined>([send = reply.send(), i] { send(i); }));
         waiting.push_back(spawn(c.reactor(), wait, std::ref(reply)));
       }
       for (int i = 0; i < 16; ++i) {
         Spawned<int>& task = waiting[static_cast<std::size_t>(i)];
         c.equal(c.reactor().run_until(std::move(task).deferred()), i, "one of the answers");
       }
     }},
    {"a reactor on another thread works as well, and tells this one", threads,
     [](Context& c) {
       Reactor& reactor = c.reactor();
       int got = 0;
       const Joined thread([&] {
         Reactor its(c.make_backend());
         const int value = its.run([](Reactor&) -> Task<int> {
           co_await Pause{1ms};
           co_return 3;
         }(its));
         reactor.call_from_thread([&, value] {
           got = value;
           reactor.stop();
         });
       });
       reactor.run();
       c.equal(got, 3, "the value");
     }},
};

}  // namespace

std::span<const ConformanceCase> thread_cases() { return cases_of_threads; }

}  // namespace deferred::testing::conformance
