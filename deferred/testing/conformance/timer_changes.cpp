// SPDX-License-Identifier: MIT
// DelayedCall: cancelled, reset, delayed and dropped, also inside callbacks.
#include "deferred/results/errors.hpp"
#include "deferred/testing/conformance/cases.hpp"
#include "deferred/testing/conformance/fixtures.hpp"

namespace deferred::testing::conformance {
namespace {

using namespace std::chrono_literals;
using enum Capability;

const ConformanceCase cases_of_timer_changes[] = {
    {"a cancelled timer is not called, and its callable is destroyed at once", nothing,
     [](Context& c) {
       int calls = 0, ends = 0;
       DelayedCall timer = c.reactor().call_later(1ms, [&calls, end = NotedEnd(ends)] { ++calls; });
       c.check(timer.cancel(), "it was active");
       c.equal(ends, 1, "the number of destroyed callables");
       c.run_for(3ms);
       c.equal(calls, 0, "the number of calls");
     }},
    {"cancelling twice, or after the call, does nothing", nothing,
     [](Context& c) {
       DelayedCall cancelled = c.reactor().call_later(1ms, [] {});
       DelayedCall called = c.reactor().call_later(0ns, [] {});
       cancelled.cancel();
       c.turn();
       c.check(!cancelled.cancel(), "it was cancelled");
       c.check(!called.cancel(), "it was called");
     }},
    {"a dropped handle cancels the call", nothing,
     [](Context& c) {
       int calls = 0;
       {
         const DelayedCall timer = c.reactor().call_later(1ms, [&] { ++calls; });
       }
       c.run_for(3ms);
       c.equal(calls, 0, "the number of calls");
     }},
    {"a timer may cancel and drop itself inside its call", nothing,
     [](Context& c) {
       int calls = 0;
       DelayedCall timer;
       timer = c.reactor().call_later(0ns, [&] {
         ++calls;
         timer.cancel();
         timer = DelayedCall();
       });
       c.turns(3);
       c.equal(calls, 1, "the number of calls");
     }},
    {"a timer may cancel one that is due in the same turn", nothing,
     [](Context& c) {
       int calls = 0;
       DelayedCall second;
       const TimePoint deadline = c.reactor().now();
       const DelayedCall first = c.reactor().call_at(deadline, [&] { second.cancel(); });
       second = c.reactor().call_at(deadline, [&] { ++calls; });
       c.turns(3);
       c.equal(calls, 0, "the number of calls of the cancelled one");
     }},
    {"a timer may drop one that is due in the same turn", nothing,
     [](Context& c) {
       int calls = 0, ends = 0;
       DelayedCall second;
       const TimePoint deadline = c.reactor().now();
       const DelayedCall first = c.reactor().call_at(deadline, [&] { second = DelayedCall(); });
       second = c.reactor().call_at(deadline, [&calls, end = NotedEnd(ends)] { ++calls; });
       c.turns(3);
       c.equal(calls, 0, "the number of calls of the dropped one");
       c.equal(ends, 1, "the number of destroyed callables");
     }},
    {"a timer may put off one that is due in the same turn", nothing,
     [](Context& c) {
       std::string log;
       DelayedCall second;
       const TimePoint deadline = c.reactor().now();
       const DelayedCall first = c.reactor().call_at(deadline, [&] {
         log += "first ";
         second.reset(2ms);
       });
       second = c.reactor().call_at(deadline, [&] { log += "second "; });
       const DelayedCall third = c.reactor().call_later(1ms, [&] { log += "third "; });
       c.until([&] { return log.ends_with("second "); }, "the second one");
       c.equal(log, "first third second ", "what has run");
     }},
    {"reset() to a later time moves the call there", nothing,
     [](Context& c) {
       std::string log;
       DelayedCall moved = c.reactor().call_later(1ms, [&] { log += "moved "; });
       const DelayedCall other = c.reactor().call_later(2ms, [&] { log += "other "; });
       moved.reset(3ms);
       c.run_for(6ms);
       c.equal(log, "other moved ", "what has run");
     }},
    {"reset() to an earlier time shortens the wait that is armed", nothing,
     [](Context& c) {
       int calls = 0;
       DelayedCall moved = c.reactor().call_later(1h, [&] { ++calls; });
       const TimePoint begin = c.reactor().now();
       c.turn();
       moved.reset(1ms);
       c.until([&] { return calls > 0; }, "the call");
       c.check(c.reactor().now() - begin < 10min, "it comes at the new time");
     }},
    {"reset() counts from now, delay() from the deadline", nothing,
     [](Context& c) {
       DelayedCall reset = c.reactor().call_later(10ms, [] {});
       DelayedCall delayed = c.reactor().call_later(10ms, [] {});
       const TimePoint deadline = delayed.time();
       TimePoint expected{};
       c.reactor().post([&] {
         reset.reset(4ms);
         expected = c.reactor().now() + 4ms;
       });
       c.turn();
       delayed.delay(4ms);
       c.check(reset.time() == expected, "reset: now and the delay");
       c.check(delayed.time() == deadline + 4ms, "delay: the deadline and more");
     }},
    {"delay() by a negative time makes the call come earlier", nothing,
     [](Context& c) {
       std::string log;
       DelayedCall moved = c.reactor().call_later(1h, [&] { log += "moved "; });
       const DelayedCall other = c.reactor().call_later(2ms, [&] { log += "other "; });
       moved.delay(-1h);
       c.run_for(4ms);
       c.equal(log, "moved other ", "what has run");
     }},
    {"a timer that is reset to another's deadline comes behind it", nothing,
     [](Context& c) {
       std::string log;
       const TimePoint deadline = c.reactor().now() + 1ms;
       DelayedCall moved = c.reactor().call_at(deadline, [&] { log += "moved "; });
       const DelayedCall other = c.reactor().call_at(deadline, [&] { log += "other "; });
       moved.delay(0ns);
       c.run_for(3ms);
       c.equal(log, "other moved ", "what has run");
     }},
    {"reset() and delay() of a timer that is over are refused", nothing,
     [](Context& c) {
       DelayedCall called = c.reactor().call_later(0ns, [] {});
       DelayedCall cancelled = c.reactor().call_later(1h, [] {});
       c.turn();
       cancelled.cancel();
       c.throws<AlreadyCalledError>([&] { called.reset(1ms); }, "reset() after the call");
       c.throws<AlreadyCalledError>([&] { called.delay(1ms); }, "delay() after the call");
       c.throws<AlreadyCalledError>([&] { cancelled.reset(1ms); }, "reset() after cancel()");
     }},
    {"a timer is not active inside its own call", nothing,
     [](Context& c) {
       bool active = true, refused = false;
       DelayedCall timer;
       timer = c.reactor().call_later(0ns, [&] {
         active = timer.active();
         try {
           timer.reset(1ms);
         } catch (const AlreadyCalledError&) {
           refused = true;
         }
       });
       c.turn();
       c.check(!active, "it is being called");
       c.check(refused, "it cannot be set again");
     }},
    {"the last timer cancelled leaves nothing to wait for", threads,
     [](Context& c) {
       Reactor& reactor = c.reactor();
       DelayedCall timer = reactor.call_later(2ms, [] {});
       c.turn();
       timer.cancel();
       bool stopped = false;
       const Joined stopper([&] {
         std::this_thread::sleep_for(10ms);
         reactor.call_from_thread([&] {
           stopped = true;
           reactor.stop();
         });
       });
       reactor.run();
       c.check(stopped, "the run ends by stop()");
     }},
    {"timers cancelled in great number leave the others in order", nothing,
     [](Context& c) {
       std::vector<DelayedCall> timers;
       std::vector<int> seen;
       const TimePoint begin = c.reactor().now();
       for (int i = 0; i < 2000; ++i) {
         timers.push_back(c.reactor().call_at(begin + (i * 7919 % 2000) * 1us,
                                              [&seen, i] { seen.push_back(i * 7919 % 2000); }));
       }
       for (std::size_t i = 0; i < timers.size(); ++i) {
         if (i % 3 != 0) timers[i].cancel();
       }
       c.run_for(5ms);
       c.equal(seen.size(), std::size_t{667}, "the number of calls");
       for (std::size_t i = 1; i < seen.size(); ++i) c.check(seen[i - 1] < seen[i], "in order");
     }},
    {"a watch may cancel a timer that is due in the same run_once()", descriptors,
     [](Context& c) {
       SocketPair pair;
       pair.write(1);
       int calls = 0;
       DelayedCall timer = c.reactor().call_later(0ns, [&] { ++calls; });
       const Watch watch = c.reactor().watch(pair[0], Ready::read, [&] { timer.cancel(); });
       c.turns(2);
       c.equal(calls, 0, "the number of calls");
     }},
};

}  // namespace

std::span<const ConformanceCase> timer_change_cases() { return cases_of_timer_changes; }

}  // namespace deferred::testing::conformance
