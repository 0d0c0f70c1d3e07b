// SPDX-License-Identifier: MIT
// Reactor::post, call_from_thread on the reactor's own thread, and the order of a turn.
#include "deferred/testing/conformance/cases.hpp"
#include "deferred/testing/conformance/fixtures.hpp"

namespace deferred::testing::conformance {
namespace {

using namespace std::chrono_literals;
using enum Capability;

const ConformanceCase cases_of_posts[] = {
    {"posts are called in the order they were made", nothing,
     [](Context& c) {
       std::string log;
       for (const char* text : {"a", "b", "c", "d"})
         c.reactor().post([&log, text] { log += text; });
       c.turn();
       c.equal(log, "abcd", "what has run");
     },
     "core.callWhenRunningOrder"},
    {"a post is not called inside post()", nothing,
     [](Context& c) {
       int calls = 0;
       c.reactor().post([&] { ++calls; });
       c.equal(calls, 0, "the number of calls before the turn");
       c.turn();
       c.equal(calls, 1, "the number of calls after it");
     }},
    {"a post made in a post is called after it has returned, in the same turn", nothing,
     [](Context& c) {
       std::string log;
       c.reactor().post([&] {
         c.reactor().post([&] { log += "inner"; });
         log += "outer ";
       });
       c.turn();
       c.equal(log, "outer inner", "what has run");
     }},
    {"a post made in a post comes behind those that were there", nothing,
     [](Context& c) {
       std::string log;
       c.reactor().post([&] {
         log += "a";
         c.reactor().post([&] { log += "c"; });
       });
       c.reactor().post([&] { log += "b"; });
       c.turn();
       c.equal(log, "abc", "what has run");
     }},
    {"posts that post for ever leave a turn after a bounded number of calls", nothing,
     [](Context& c) {
       int calls = 0;
       bool stop = false;
       std::function<void()> again = [&] {
         ++calls;
         if (!stop) c.reactor().post(again);
       };
       c.reactor().post(again);
       c.turn();
       c.check(calls >= 1 && calls < 10000, "the turn ends");
       stop = true;
       c.turns(2);
     }},
    {"a callable is destroyed right after its call", nothing,
     [](Context& c) {
       int ends = 0, ends_at_next = -1;
       c.reactor().post([end = NotedEnd(ends)] {});
       c.reactor().post([&] { ends_at_next = ends; });
       c.turn();
       c.equal(ends_at_next, 1, "the number of destroyed callables at the next one");
     }},
    {"a post wakes a loop that waits", nothing,
     [](Context& c) {
       bool called = false;
       c.reactor().post([&] { called = true; });
       c.reactor().backend().run_once(true);
       c.check(called, "the wait ends at once");
     }},
    {"a post made by a watch is called in the turn of the same run_once()", descriptors,
     [](Context& c) {
       SocketPair pair;
       pair.write(1);
       bool called = false;
       const Watch watch = c.reactor().watch(pair[0], Ready::read,
                                             [&] { c.reactor().post([&] { called = true; }); });
       c.turn();
       c.check(called, "readiness comes before the turn");
     }},
    {"a post made by a timer is called in the same turn", nothing,
     [](Context& c) {
       bool called = false;
       const DelayedCall timer =
           c.reactor().call_later(0ns, [&] { c.reactor().post([&] { called = true; }); });
       c.turn();
       c.check(called, "timers come before posts");
     }},
    {"a turn takes calls of threads, then timers, then posts", nothing,
     [](Context& c) {
       std::string log;
       c.reactor().post([&] { log += "post "; });
       const DelayedCall timer = c.reactor().call_later(0ns, [&] { log += "timer "; });
       c.reactor().call_from_thread([&] { log += "thread "; });
       c.turn();
       c.equal(log, "thread timer post ", "what has run");
     }},
    {"call_from_thread() on the reactor's own thread does not call at once", nothing,
     [](Context& c) {
       std::string log;
       c.reactor().post([&] {
         c.reactor().call_from_thread([&] { log += "call "; });
         log += "post ";
       });
       c.turn();
       c.turn();
       c.equal(log, "post call ", "what has run");
     }},
    {"call_from_thread() from a timer is called in the next turn", nothing,
     [](Context& c) {
       int calls = 0, calls_in_turn = -1;
       const DelayedCall timer = c.reactor().call_later(0ns, [&] {
         c.reactor().call_from_thread([&] { ++calls; });
         c.reactor().post([&] { calls_in_turn = calls; });
       });
       c.turn();
       c.turn();
       c.equal(calls_in_turn, 0, "the number of calls in the same turn");
       c.equal(calls, 1, "the number of calls in the next one");
     },
     "threads.delayedCallFromThread"},
    {"a call of call_from_thread() that makes another leaves it to the next turn", nothing,
     [](Context& c) {
       int calls = 0;
       std::function<void()> again = [&] {
         if (++calls < 5) c.reactor().call_from_thread(again);
       };
       c.reactor().call_from_thread(again);
       for (int i = 1; i <= 5; ++i) {
         c.turn();
         c.equal(calls, i, "the number of calls");
       }
     }},
    {"a hundred thousand posts are called, in order", nothing,
     [](Context& c) {
       int calls = 0;
       bool in_order = true;
       for (int i = 0; i < 100000; ++i) {
         c.reactor().post([&, i] { in_order = in_order && calls++ == i; });
       }
       c.turn();
       c.equal(calls, 100000, "the number of calls");
       c.check(in_order, "first in, first out");
     }},
    {"a task begins in the turn after spawn(), not inside it", nothing,
     [](Context& c) {
       bool begun = false;
       spawn(
           c.reactor(),
           [](bool& flag) -> Task<> {
             flag = true;
             co_return;
           },
           std::ref(begun));
       c.check(!begun, "not inside spawn()");
       c.turn();
       c.check(begun, "in the turn");
     }},
    {"a Pause lets a turn pass", nothing,
     [](Context& c) {
       std::string log;
       const auto walk = [](std::string& text, char name) -> Task<> {
         for (int i = 0; i < 3; ++i) {
           text += name;
           co_await Pause{};
         }
       };
       spawn(c.reactor(), walk, std::ref(log), 'a');
       spawn(c.reactor(), walk, std::ref(log), 'b');
       for (const char* expected : {"ab", "abab", "ababab"}) {
         c.turn();
         c.equal(log, expected, "what has run");
       }
       c.turn();
     }},
};

}  // namespace

std::span<const ConformanceCase> post_cases() { return cases_of_posts; }

}  // namespace deferred::testing::conformance
