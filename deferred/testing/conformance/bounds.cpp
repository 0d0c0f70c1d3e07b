// SPDX-License-Identifier: MIT
// How much one turn does of what never ends by itself, so that timers and descriptors come to
// theirs.
#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "deferred/io/netstring.hpp"
#include "deferred/testing/conformance/cases.hpp"
#include "deferred/testing/conformance/fixtures.hpp"
#include "deferred/yieldables/cancel_point.hpp"

namespace deferred::testing::conformance {
namespace {

using namespace std::chrono_literals;
using enum Capability;

constexpr long most_more = 256;       // items of the ready queue, beyond those it held
constexpr long most_messages = 1024;  // of other threads
constexpr long most_awaits = 1024;    // of a task that never waits

/// One token, for one task at a time to wait for.
class Place {
 public:
  void yield_to(Waiter<void> waiter) {
    if (std::exchange(full_, false)) {
      waiter.resume();
    } else {
      waiting_ = std::move(waiter);
    }
  }
  void put() {
    Waiter<void> waiter = std::exchange(waiting_, Waiter<void>());
    if (!waiter.resume()) full_ = true;
  }

 private:
  Waiter<void> waiting_;
  bool full_ = false;
};

/// Takes what comes to `mine` over to `other`, for ever.
Task<> hand_over(Place& mine, Place& other, long& steps) {
  while (true) {
    co_await mine;
    ++steps;
    other.put();
  }
}

/// Throws in its handler.
struct Refused {
  void yield_to(Waiter<void>) const { throw std::runtime_error("refused"); }
};

Task<> nothing_to_do() { co_return; }

/// What a task does over and over without a wait, and counts. Ends where the bound has been missed
/// by far, so that the case does not hang.
constexpr long far_too_many = 100'000;
Task<> awaits_what_is_ready(long& count) {
  for (; count < far_too_many; ++count) co_await cancel_point;
}
Task<> calls_subtasks(long& count) {
  for (; count < far_too_many; ++count) co_await nothing_to_do();
}
Task<> swallows_errors(long& count) {
  for (; count < far_too_many; ++count) {
    try {
      co_await Refused{};
    } catch (const std::runtime_error&) {
    }
  }
}

/// A task that never waits has its turns beside a descriptor and a timer.
void try_busy_task(Context& c, Task<> (*busy)(long&)) {
  SocketPair pair;
  pair.write(1);
  int reports = 0;
  const Watch watch = c.reactor().watch(pair[0], Ready::read, [&] { ++reports; });
  int calls = 0;
  const DelayedCall timer = c.reactor().call_later(0ns, [&] { ++calls; });
  long count = 0;
  Spawned<void> task = spawn(c.reactor(), busy, std::ref(count));
  for (int turn = 1; turn <= 5; ++turn) {
    const long before = count;
    c.turn();
    c.check(count - before <= most_awaits, "a turn has no more than 1,024 of its awaits");
    c.check(count > before, "it goes on in each turn");
    c.equal(reports, turn, "the number of reports");
  }
  c.equal(calls, 1, "the number of the timer's calls");
  task.task().close();
  std::move(task).detach();
  c.turn();
}

const ConformanceCase cases_of_bounds[] = {
    {"a turn runs what was ready when it began, and 256 more", nothing,
     [](Context& c) {
       long calls = 0;
       bool over = false;
       std::function<void()> again = [&] {
         ++calls;
         if (!over) c.reactor().post(again);
       };
       for (int i = 0; i < 1000; ++i) c.reactor().post(again);
       c.turn();
       c.equal(calls, 1000 + most_more, "the number of calls in the first turn");
       c.turn();
       c.equal(calls, 2 * (1000 + most_more), "the number of calls in two turns");
       over = true;
       c.turns(6);
     }},
    {"many callbacks that post themselves keep neither timers nor descriptors from theirs",
     descriptors,
     [](Context& c) {
       SocketPair pair;
       pair.write(1);
       int reports = 0, timer_calls = 0;
       const Watch watch = c.reactor().watch(pair[0], Ready::read, [&] { ++reports; });
       const DelayedCall timer = c.reactor().call_later(0ns, [&] { ++timer_calls; });
       long calls = 0;
       std::function<void()> again = [&] {
         if (++calls < far_too_many) c.reactor().post(again);
       };
       for (int i = 0; i < 500; ++i) c.reactor().post(again);
       c.turns(5);
       c.equal(reports, 5, "the number of reports");
       c.equal(timer_calls, 1, "the number of the timer's calls");
       c.check(calls <= 5 * (500 + most_more), "a turn has no more than that");
       while (c.reactor().busy()) c.turn();
     }},
    {"pairs of tasks that hand a token to and fro leave a turn", nothing,
     [](Context& c) {
       std::deque<Place> places(200);
       std::vector<TaskRef> tasks;
       long steps = 0;
       for (std::size_t i = 0; i < places.size(); ++i) {
         tasks.push_back(spawn(c.reactor(), hand_over, std::ref(places[i]), std::ref(places[i ^ 1]),
                               std::ref(steps))
                             .task());
       }
       c.turn();
       for (std::size_t i = 0; i < places.size(); i += 2) places[i].put();
       for (int turn = 0; turn < 5; ++turn) {
         const long before = steps;
         int calls = 0;
         const DelayedCall timer = c.reactor().call_later(0ns, [&] { ++calls; });
         c.turn();
         c.equal(steps - before, 100 + most_more, "the number of steps in a turn");
         c.equal(calls, 1, "the number of the timer's calls");
       }
       for (TaskRef& task : tasks) task.close();
       c.turn();
     }},
    {"a turn takes 1,024 calls of other threads, and the rest in the next turns, in their order",
     threads,
     [](Context& c) {
       constexpr long sent = 3000;
       long calls = 0;
       bool in_order = true;
       Reactor& reactor = c.reactor();
       Joined([&] {
         for (long i = 0; i < sent; ++i) {
           reactor.call_from_thread([&, i] { in_order = in_order && calls++ == i; });
         }
       }).join();
       c.turn();
       c.equal(calls, most_messages, "the number of calls in the first turn");
       c.turn();
       c.equal(calls, 2 * most_messages, "the number of calls in two turns");
       reactor.backend().run_once(true);  // does not wait: there are more
       c.equal(calls, sent, "the number of calls in three turns");
       c.check(in_order, "their order is kept");
     }},
    {"threads that call without end keep neither timers nor descriptors from theirs",
     threads | descriptors,
     [](Context& c) {
       Reactor& reactor = c.reactor();
       SocketPair pair;
       pair.write(1);
       int reports = 0;
       long calls = 0;
       bool over = false;
       // As a thread that is never slower than the reactor: for each that is called another comes.
       std::function<void()> again = [&] {
         ++calls;
         if (!over) reactor.call_from_thread(again);
       };
       Joined([&] {
         for (int i = 0; i < 2000; ++i) reactor.call_from_thread(again);
       }).join();
       const Watch watch = reactor.watch(pair[0], Ready::read, [&] { ++reports; });
       for (int turn = 1; turn <= 5; ++turn) {
         int timer_calls = 0;
         const DelayedCall timer = reactor.call_later(0ns, [&] { ++timer_calls; });
         c.turn();
         c.equal(reports, turn, "the number of reports");
         c.equal(timer_calls, 1, "the number of the timer's calls");
         c.equal(calls, turn * most_messages, "the number of their calls");
       }
       over = true;
       c.turns(3);
     }},
    {"a stopped run makes all calls that were accepted, however many", threads,
     [](Context& c) {
       Reactor& reactor = c.reactor();
       long calls = 0, accepted = 0;
       Joined([&] {
         for (int i = 0; i < 5000; ++i) accepted += reactor.call_from_thread([&] { ++calls; });
         reactor.stop();
       }).join();
       reactor.run();
       c.equal(calls, accepted, "the number of calls");
     }},
    {"a timer that a thread's call sets without delay is called in the next turn", threads,
     [](Context& c) {
       int calls = 0, others = 0;
       DelayedCall set;
       Reactor& reactor = c.reactor();
       const DelayedCall other = reactor.call_later(0ns, [&] { ++others; });
       Joined([&] {
         reactor.call_from_thread(
             [&] { set = reactor.call_at(TimePoint::min(), [&] { ++calls; }); });
       }).join();
       c.turn();
       c.equal(calls, 0, "the number of calls in the same turn");
       c.equal(others, 1, "the number of calls of one that was set before");
       c.turn();
       c.equal(calls, 1, "the number of calls in the next turn");
     }},
    {"a task over awaits that are ready goes on in the next turn after 1,024 of them", descriptors,
     [](Context& c) { try_busy_task(c, awaits_what_is_ready); }},
    {"a task over calls that do not wait goes on in the next turn after 1,024 of them", descriptors,
     [](Context& c) { try_busy_task(c, calls_subtasks); }},
    {"a task over awaits that fail at once goes on in the next turn after 1,024 of them",
     descriptors, [](Context& c) { try_busy_task(c, swallows_errors); }},
    {"a reader of small messages that are there leaves a turn", descriptors,
     [](Context& c) {
       constexpr long sent = 5000;
       std::optional<Connection> connection;
       c.run([&](Context& inner) -> Task<> {
         connection.emplace(co_await connect_pair(inner.reactor()));
       });
       std::string text;
       for (long i = 0; i < sent; ++i) text += "1:x,";
       c.run([&](Context&) -> Task<> { co_await connection->client.write_all(text); });
       SocketPair pair;
       pair.write(1);
       int reports = 0;
       const Watch watch = c.reactor().watch(pair[0], Ready::read, [&] { ++reports; });
       long count = 0;
       spawn(c.reactor(), [&]() -> Task<> {
         for (; count < sent; ++count) {
           static_cast<void>(co_await io::read_netstring(connection->server));
         }
       });
       long before = 0;
       int turns = 0;
       c.until(
           [&] {
             c.check(count - before <= most_awaits, "a turn has no more than 1,024 of them");
             before = count;
             c.equal(reports, turns++, "the number of reports");
             return count == sent;
           },
           "the end of the messages");
     }},
};

}  // namespace

std::span<const ConformanceCase> bound_cases() { return cases_of_bounds; }

}  // namespace deferred::testing::conformance
