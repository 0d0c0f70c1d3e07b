// SPDX-License-Identifier: MIT
// How a run begins and ends: call_when_running(), at_shutdown(), crash(), the error hook, and
// a reactor that nothing can wake.

#include "deferred/results/errors.hpp"
#include "deferred/testing/conformance/cases.hpp"
#include "deferred/testing/conformance/fixtures.hpp"
#include "deferred/yieldables/readable.hpp"

namespace deferred::testing::conformance {
namespace {

using namespace std::chrono_literals;
using enum Capability;

const ConformanceCase cases_of_shutdown[] = {
    {"call_when_running() before run() is called when it runs", nothing,
     [](Context& c) {
       std::string log;
       for (const char* name : {"a", "b", "c"}) {
         c.reactor().call_when_running(
             [&, name] { log += c.reactor().running() ? name : "too early"; });
       }
       c.reactor().call_when_running([&] { c.reactor().stop(); });
       c.equal(log, "", "what has run before");
       c.reactor().run();
       c.equal(log, "abc", "what has run");
     },
     "core.callWhenRunningOrder core.runningForStartupEvents"},
    {"call_when_running() inside a turn is called at once", nothing,
     [](Context& c) {
       std::string log;
       c.reactor().post([&] {
         c.reactor().call_when_running([&] { log += "inner "; });
         log += "outer";
       });
       c.turn();
       c.equal(log, "inner outer", "what has run");
     }},
    {"shutdown triggers are called in the order of their phases before run() returns", nothing,
     [](Context& c) {
       std::string log;
       const auto say = [&log](const char* text) { return [&log, text] { log += text; }; };
       c.reactor().at_shutdown(Phase::after, say("after ")).detach();
       c.reactor().at_shutdown(Phase::before, say("before ")).detach();
       c.reactor().at_shutdown(Phase::during, say("during ")).detach();
       c.reactor().at_shutdown(Phase::before, say("before-2 ")).detach();
       c.reactor().post([&] { c.reactor().stop(); });
       c.reactor().run();
       c.equal(log, "before before-2 during after ", "what has run");
     },
     "core.stopShutDownEvents"},
    {"a trigger before shutdown that returns a Deferred is waited for", nothing,
     [](Context& c) {
       std::string log;
       DelayedCall timer;
       c.reactor()
           .at_shutdown(Phase::before,
                        [&] {
                          auto [promise, done] = make_deferred<void>();
                          timer =
                              c.reactor().call_later(1ms, [&log, p = std::move(promise)]() mutable {
                                log += "timer ";
                                p.callback();
                              });
                          return std::move(done);
                        })
           .detach();
       c.reactor().at_shutdown(Phase::during, [&] { log += "during"; }).detach();
       c.reactor().post([&] { c.reactor().stop(); });
       c.reactor().run();
       c.equal(log, "timer during", "what has run");
     },
     "core.shutdownFiresTriggersAsynchronously"},
    {"descriptors are reported while the shutdown waits", descriptors,
     [](Context& c) {
       SocketPair pair;
       std::string log;
       Watch watch;
       c.reactor()
           .at_shutdown(Phase::before,
                        [&] {
                          auto [promise, done] = make_deferred<void>();
                          pair.write(1);
                          watch = c.reactor().watch(pair[0], Ready::read,
                                                    [&, p = std::move(promise)]() mutable {
                                                      log += "read ";
                                                      pair.drain(0);
                                                      p.callback();
                                                    });
                          return std::move(done);
                        })
           .detach();
       c.reactor().at_shutdown(Phase::after, [&] { log += "after"; }).detach();
       c.reactor().post([&] { c.reactor().stop(); });
       c.reactor().run();
       c.equal(log, "read after", "what has run");
     }},
    {"triggers are called once, and not by the next run()", nothing,
     [](Context& c) {
       int calls = 0;
       c.reactor().at_shutdown(Phase::during, [&] { ++calls; }).detach();
       c.run_for(1ms);
       c.run_for(1ms);
       c.equal(calls, 1, "the number of calls");
     }},
    {"a dropped trigger is not called", nothing,
     [](Context& c) {
       int calls = 0;
       {
         const ShutdownTrigger gone = c.reactor().at_shutdown(Phase::before, [&] { ++calls; });
       }
       const ShutdownTrigger kept = c.reactor().at_shutdown(Phase::before, [&] { calls += 10; });
       c.run_for(1ms);
       c.equal(calls, 10, "what was counted");
     }},
    {"triggers that throw, in each phase, are reported, and the others are called", nothing,
     [](Context& c) {
       std::string log;
       for (const Phase phase : {Phase::before, Phase::during, Phase::after}) {
         c.reactor().at_shutdown(phase, [] { oops(); }).detach();
         c.reactor().at_shutdown(phase, [&log] { log += "x"; }).detach();
       }
       c.run_for(1ms);
       c.equal(log, "xxx", "what has run");
       c.equal(c.report_texts(), "oops, oops, oops", "what is reported");
     }},
    {"a trigger whose Deferred fails is reported, and the shutdown goes on", nothing,
     [](Context& c) {
       bool after = false;
       c.reactor()
           .at_shutdown(Phase::before, [] { return fail<void>(std::runtime_error("not ready")); })
           .detach();
       c.reactor().at_shutdown(Phase::after, [&] { after = true; }).detach();
       c.run_for(1ms);
       c.check(after, "the last phase came");
       c.equal(c.report_texts(), "not ready", "what is reported");
     }},
    {"run_until() calls no shutdown triggers", nothing,
     [](Context& c) {
       int calls = 0;
       const ShutdownTrigger trigger = c.reactor().at_shutdown(Phase::before, [&] { ++calls; });
       c.run([](Context&) -> Task<void> { co_await Pause{1ms}; });
       c.equal(calls, 0, "the number of calls");
     }},
    {"crash() leaves run() without the triggers", nothing,
     [](Context& c) {
       int calls = 0;
       const ShutdownTrigger trigger = c.reactor().at_shutdown(Phase::before, [&] { ++calls; });
       c.reactor().post([&] { c.reactor().crash(); });
       c.reactor().run();
       c.equal(calls, 0, "the number of calls");
       c.check(!c.reactor().running(), "it does not run any more");
     },
     "core.crash"},
    {"run() can be called again after crash()", nothing,
     [](Context& c) {
       int calls = 0;
       c.reactor().post([&] { c.reactor().crash(); });
       c.reactor().run();
       c.reactor().at_shutdown(Phase::before, [&] { ++calls; }).detach();
       c.run_for(1ms);
       c.equal(calls, 1, "the number of calls of the next run's trigger");
     },
     "core.runAfterCrash"},
    {"crash() breaks off a shutdown that waits", nothing,
     [](Context& c) {
       int calls = 0;
       auto [promise, never] = make_deferred<void>();
       c.reactor().at_shutdown(Phase::before, [&d = never] { return std::move(d); }).detach();
       const ShutdownTrigger later = c.reactor().at_shutdown(Phase::during, [&] { ++calls; });
       const DelayedCall crash = c.reactor().call_later(2ms, [&] { c.reactor().crash(); });
       c.reactor().stop();
       c.reactor().run();
       c.equal(calls, 0, "the number of calls of the later phase");
       promise.callback();
     }},
    {"calls of threads are refused from the end of a stopped run() until the next begins", threads,
     [](Context& c) {
       c.run_for(1ms);
       Reactor& reactor = c.reactor();
       int calls = 0;
       bool taken = true;
       Joined([&] { taken = reactor.call_from_thread([&] { ++calls; }); }).join();
       c.check(!taken, "it is told so");
       reactor.post([&] { taken = reactor.call_from_thread([&] { ++calls; }); });
       c.run_for(1ms);
       c.check(taken, "the next run takes it");
       c.equal(calls, 1, "the number of calls");
     }},
    {"calls that were taken before stop() are made before run() returns", threads,
     [](Context& c) {
       Reactor& reactor = c.reactor();
       int calls = 0;
       std::atomic<int> taken{0};
       Joined sender([&, remote = reactor.remote()] {
         while (remote.call_from_thread([&] {
           if (++calls == 100) reactor.stop();
         })) {
           ++taken;
         }
       });
       reactor.run();
       c.check(calls >= 100, "there were some");
       // The sender ends at its first refusal; what was taken by then was called.
       sender.join();
       c.equal(calls, taken.load(), "the number of calls, beside that of those taken");
     }},
    {"a RemoteReactor outlives its reactor, and is refused then", threads,
     [](Context& c) {
       const RemoteReactor remote = c.reactor().remote();
       bool taken = true;
       c.end_reactor();
       Joined([&] {
         taken = remote.call_from_thread([] {});
         remote.stop();
       }).join();
       c.check(!taken, "nobody is there");
     }},
    {"the error hook gets what callbacks throw, instead of the process's", descriptors,
     [](Context& c) {
       SocketPair pair;
       pair.write(1);
       std::vector<std::string> got;
       c.reactor().set_error_hook(
           [&](const Failure& failure, std::string_view) { got.push_back(failure.what()); });
       c.reactor().post([] { oops("post"); });
       const DelayedCall timer = c.reactor().call_later(0ns, [] { oops("timer"); });
       c.reactor().call_from_thread([] { oops("thread"); });
       Watch watch;
       watch = c.reactor().watch(pair[0], Ready::read, [&] {
         watch = Watch();
         oops("watch");
       });
       c.turn();
       c.check(got == std::vector<std::string>{"watch", "thread", "timer", "post"},
               "all four, in the order of a turn");
     }},
    {"call_when_running() that throws is reported, and the run goes on", nothing,
     [](Context& c) {
       c.reactor().call_when_running([] { oops(); });
       c.run_for(1ms);
       c.equal(c.report_texts(), "oops", "what is reported");
     }},
    {"an error hook that throws is not asked for the same failure again, and the reactor goes on",
     nothing,
     [](Context& c) {
       int asked = 0;
       c.reactor().set_error_hook([&](const Failure&, std::string_view) {
         ++asked;
         oops("in the hook");
       });
       c.reactor().post([] { oops("in a post"); });
       c.turn();
       c.equal(asked, 1, "how often it was asked");
       c.check(!c.reports().empty(), "the process's hook is told");
       int calls = 0;
       c.reactor().post([&] { ++calls; });
       c.turn();
       c.equal(calls, 1, "the number of calls afterwards");
     }},
    {"tasks that nothing can wake are reported, once", nothing,
     [](Context& c) {
       if (c.reactor().backend().shared()) c.skip("the loop is shared: others may wake the tasks");
       int reports = 0;
       c.reactor().set_error_hook([&](const Failure& failure, std::string_view) {
         reports += failure.check<StuckError>() != nullptr;
         c.reactor().stop();
       });
       auto [promise, never] = make_deferred<void>();
       const auto wait = [](Deferred<void> d) -> Task<> { co_await std::move(d); };
       Spawned<void> task = spawn(c.reactor(), wait, std::move(never));
       c.reactor().run();
       c.equal(reports, 1, "the number of reports");
       task.task().close();
     }},
    {"tasks that a descriptor can wake are not reported", descriptors,
     [](Context& c) {
       SocketPair pair;
       Reactor& reactor = c.reactor();
       const auto wait = [](int fd) -> Task<> { co_await Readable{fd}; };
       Spawned<void> task = spawn(reactor, wait, pair[0]);
       c.turn();
       Joined writer([&pair] {
         std::this_thread::sleep_for(2ms);
         pair.write(1);
       });
       reactor.run_until(std::move(task).deferred());
     }},
};

}  // namespace

std::span<const ConformanceCase> shutdown_cases() { return cases_of_shutdown; }

}  // namespace deferred::testing::conformance
