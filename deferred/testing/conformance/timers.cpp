// SPDX-License-Identifier: MIT
// call_later() and call_at(): when they call, and in which order.
#include <algorithm>

#include "deferred/testing/conformance/cases.hpp"
#include "deferred/testing/conformance/fixtures.hpp"
#include "deferred/yieldables/timer.hpp"

namespace deferred::testing::conformance {
namespace {

using namespace std::chrono_literals;
using enum Capability;

/// How much later than asked a timer is called, on the real clock.
Duration lateness(Context& c, Duration delay) {
  const auto begin = steady_clock::now();
  Duration late{};
  c.reactor()
      .call_later(delay,
                  [&] {
                    late = steady_clock::now() - begin - delay;
                    c.reactor().stop();
                  })
      .detach();
  c.reactor().run();
  return late;
}

void busy_for(Duration time) {
  const auto begin = steady_clock::now();
  while (steady_clock::now() - begin < time) {
  }
}

const ConformanceCase cases_of_timers[] = {
    {"a timer is called once", nothing,
     [](Context& c) {
       int calls = 0;
       const DelayedCall timer = c.reactor().call_later(1ms, [&] { ++calls; });
       c.run_for(4ms);
       c.equal(calls, 1, "the number of calls");
       c.check(!timer.active(), "it is over");
     }},
    {"a timer is never called early, by the reactor's clock", nothing,
     [](Context& c) {
       for (const Duration delay : {1ns, 100us + 0ns, 999us + 0ns, 1500us + 0ns, 3ms + 0ns}) {
         const TimePoint begin = c.reactor().now();
         TimePoint called{};
         c.reactor()
             .call_later(delay,
                         [&] {
                           called = c.reactor().now();
                           c.reactor().stop();
                         })
             .detach();
         c.reactor().run();
         c.check(called - begin >= delay, "as much time has passed as was asked for");
       }
     }},
    {"a timer is never called early, by the real clock", real_time,
     [](Context& c) {
       for (int i = 0; i < 4; ++i) {
         for (const Duration delay : {300us + 0ns, 700us + 0ns, 1300us + 0ns, 2900us + 0ns}) {
           c.check(lateness(c, delay) >= -1us, "as much time has passed as was asked for");
         }
       }
     }},
    {"a timer is late by milliseconds at most", real_time,
     [](Context& c) {
       Duration best = 1h;
       for (int i = 0; i < 20 && best > 10ms; ++i) best = std::min(best, lateness(c, 3ms));
       c.check(best <= 10ms, "in the best of twenty tries");
     }},
    {"a timer is late by fractions of a millisecond", real_time | sub_millisecond,
     [](Context& c) {
       Duration best = 1h;
       for (int i = 0; i < 50 && best > 400us; ++i) best = std::min(best, lateness(c, 300us));
       c.check(best <= 400us, "in the best of fifty tries");
     }},
    {"a timer is called at its very moment", virtual_time,
     [](Context& c) {
       for (const Duration delay : {1ns, 999ns, 1s + 1ns, 24h + 0ns}) {
         const TimePoint begin = c.reactor().now();
         c.run_for(delay);
         c.check(c.reactor().now() - begin == delay, "neither early nor late");
       }
     }},
    {"timers are called in the order of their deadlines, not in that of their making", nothing,
     [](Context& c) {
       std::string log;
       const DelayedCall third = c.reactor().call_later(3ms, [&] { log += "3"; });
       const DelayedCall first = c.reactor().call_later(1ms, [&] { log += "1"; });
       const DelayedCall second = c.reactor().call_later(2ms, [&] { log += "2"; });
       c.run_for(5ms);
       c.equal(log, "123", "what has run");
     }},
    {"equal deadlines are called in the order they were set", nothing,
     [](Context& c) {
       std::string log, expected;
       std::vector<DelayedCall> timers;
       const TimePoint deadline = c.reactor().now() + 1ms;
       for (char name = 'a'; name <= 'z'; ++name) {
         timers.push_back(c.reactor().call_at(deadline, [&log, name] { log += name; }));
         expected += name;
       }
       c.run_for(3ms);
       c.equal(log, expected, "what has run");
     }},
    {"equal deadlines keep their order when others between them are cancelled", nothing,
     [](Context& c) {
       std::string log;
       std::vector<DelayedCall> timers;
       const TimePoint deadline = c.reactor().now() + 1ms;
       for (char name = 'a'; name <= 'l'; ++name) {
         timers.push_back(c.reactor().call_at(deadline, [&log, name] { log += name; }));
       }
       for (const std::size_t gone : {0U, 3U, 4U, 9U}) timers[gone].cancel();
       c.run_for(3ms);
       c.equal(log, "bcfghikl", "what has run");
     }},
    {"timers that have come due together are called in order of their deadlines", real_time,
     [](Context& c) {
       std::string log;
       const DelayedCall b = c.reactor().call_later(2ms, [&] { log += "b"; });
       const DelayedCall c3 = c.reactor().call_later(3ms, [&] { log += "c"; });
       const DelayedCall a = c.reactor().call_later(1ms, [&] { log += "a"; });
       busy_for(5ms);
       c.turn();
       c.equal(log, "abc", "what has run");
     }},
    {"a thousand timers in any order are called in order", nothing,
     [](Context& c) {
       std::vector<DelayedCall> timers;
       std::vector<unsigned> seen;
       const TimePoint begin = c.reactor().now();
       unsigned state = 12345;
       for (int i = 0; i < 1000; ++i) {
         state = state * 1664525U + 1013904223U;
         const unsigned at = state >> 12;  // below 2^20 ns
         timers.push_back(
             c.reactor().call_at(begin + Duration(at), [&seen, at] { seen.push_back(at); }));
       }
       c.run_for(4ms);
       c.equal(seen.size(), std::size_t{1000}, "the number of calls");
       c.check(std::is_sorted(seen.begin(), seen.end()), "in the order of deadlines");
     }},
    {"a timer without delay is called in the next turn, not inside call_later()", nothing,
     [](Context& c) {
       int calls = 0;
       const DelayedCall timer = c.reactor().call_later(0ns, [&] { ++calls; });
       c.equal(calls, 0, "the number of calls before the turn");
       c.turn();
       c.equal(calls, 1, "the number of calls after it");
     }},
    {"a negative delay is as good as none", nothing,
     [](Context& c) {
       std::string log;
       const DelayedCall zero = c.reactor().call_later(0ns, [&] { log += "z"; });
       const DelayedCall negative = c.reactor().call_later(-5s, [&] { log += "n"; });
       const DelayedCall most = c.reactor().call_later(Duration::min(), [&] { log += "m"; });
       c.turn();
       c.equal(log, "znm", "what has run, in the order it was set");
     }},
    {"a timer set in a timer without delay is called in the next turn", nothing,
     [](Context& c) {
       int calls = 0;
       std::function<void()> again = [&] {
         ++calls;
         if (calls < 5) c.reactor().call_later(0ns, again).detach();
       };
       c.reactor().call_later(0ns, again).detach();
       for (int i = 1; i <= 5; ++i) {
         c.turn();
         c.equal(calls, i, "the number of calls");
       }
     }},
    {"a timer set in a post without delay is called in the next turn", nothing,
     [](Context& c) {
       int calls = 0;
       c.reactor().post([&] { c.reactor().call_later(0ns, [&] { ++calls; }).detach(); });
       c.turn();
       c.equal(calls, 0, "the number of calls in the same turn");
       c.turn();
       c.equal(calls, 1, "the number of calls in the next one");
     }},
    {"a timer set in a timer for a time that is past waits for the next turn too", nothing,
     [](Context& c) {
       int calls = 0;
       const DelayedCall timer = c.reactor().call_later(
           0ns, [&] { c.reactor().call_at(TimePoint::min(), [&] { ++calls; }).detach(); });
       c.turn();
       c.equal(calls, 0, "the number of calls in the same turn");
       c.turn();
       c.equal(calls, 1, "the number of calls in the next one");
     }},
    {"a distant timer does no harm", nothing,
     [](Context& c) {
       std::vector<DelayedCall> distant;
       for (const Duration delay : {24h * 365 + 0ns, 24h * 365 * 290 + 0ns, Duration::max()}) {
         distant.push_back(c.reactor().call_later(delay, [] {}));
       }
       c.run_for(2ms);
       for (const DelayedCall& one : distant) c.check(one.active(), "it is still set");
     },
     "time.distantDelayedCall"},
    {"a timer before a distant one is called in time", real_time,
     [](Context& c) {
       const DelayedCall distant = c.reactor().call_later(24h * 365, [] {});
       const auto begin = steady_clock::now();
       c.run_for(2ms);
       c.check(steady_clock::now() - begin < 5s, "the wait is for the near one");
     }},
    {"a timer that comes before all others shortens a wait that is armed already", nothing,
     [](Context& c) {
       std::string log;
       const DelayedCall late = c.reactor().call_later(1h, [&] { log += "late"; });
       c.turn();
       const DelayedCall soon = c.reactor().call_later(1ms, [&] { log += "soon"; });
       c.until([&] { return !log.empty(); }, "the timer that was set last");
       c.equal(log, "soon", "what has run");
     }},
    {"after a gap a timer is called once, not once for each time that was missed", real_time,
     [](Context& c) {
       std::vector<steady_clock::time_point> calls;
       std::function<void()> tick = [&] {
         calls.push_back(steady_clock::now());
         if (calls.size() == 1) busy_for(12ms);
         if (calls.size() < 3) c.reactor().call_later(2ms, tick).detach();
       };
       c.reactor().call_later(2ms, tick).detach();
       c.until([&] { return calls.size() == 3; }, "the third tick");
       c.check(calls[1] - calls[0] >= 12ms, "the second comes when the gap is over");
       c.check(calls[2] - calls[1] >= 1900us, "the third comes a delay later, not at once");
     }},
    {"after a gap a Timer tells how many ticks have passed", real_time,
     [](Context& c) {
       const std::uint64_t passed = c.run([](Context&) -> Task<std::uint64_t> {
         Timer timer(2ms);
         co_await timer;
         busy_for(9ms);
         const std::uint64_t ticks = co_await timer;
         co_return ticks;
       });
       c.check(passed >= 4, "the missed ones are counted");
     }},
    {"the callable of a timer is destroyed right after its call", nothing,
     [](Context& c) {
       int ends = 0;
       const DelayedCall timer = c.reactor().call_later(0ns, [end = NotedEnd(ends)] {});
       c.turn();
       c.equal(ends, 1, "the number of destroyed callables, while the handle lives");
     }},
    {"a detached timer is called without its handle", nothing,
     [](Context& c) {
       int calls = 0;
       c.reactor().call_later(1ms, [&] { ++calls; }).detach();
       c.run_for(3ms);
       c.equal(calls, 1, "the number of calls");
     }},
    {"time() tells the deadline", nothing,
     [](Context& c) {
       const TimePoint deadline = c.reactor().now() + 1ms;
       DelayedCall timer = c.reactor().call_at(deadline, [] {});
       c.check(timer.time() == deadline, "before the call");
       c.run_for(2ms);
       c.check(timer.time() == deadline, "after it");
     }},
    {"tasks that sleep are woken in the order of their deadlines", nothing,
     [](Context& c) {
       std::string log;
       const auto sleep = [](std::string& text, char name, Duration time) -> Task<> {
         co_await Pause{time};
         text += name;
       };
       spawn(c.reactor(), sleep, std::ref(log), 'c', 3ms);
       spawn(c.reactor(), sleep, std::ref(log), 'a', 1ms);
       spawn(c.reactor(), sleep, std::ref(log), 'b', 2ms);
       c.run_for(6ms);
       c.equal(log, "abc", "what has run");
     }},
};

}  // namespace

std::span<const ConformanceCase> timer_cases() { return cases_of_timers; }

}  // namespace deferred::testing::conformance
