// SPDX-License-Identifier: MIT
// run(), run_until(), stop(), and what may be called inside what.
#include "deferred/results/errors.hpp"
#include "deferred/testing/conformance/cases.hpp"
#include "deferred/testing/conformance/fixtures.hpp"

namespace deferred::testing::conformance {
namespace {

using namespace std::chrono_literals;
using enum Capability;

/// True if run() is refused here.
bool run_is_refused(Context& c) {
  try {
    c.reactor().run();
  } catch (const ReactorStateError&) {
    return true;
  }
  return false;
}

const ConformanceCase cases_of_run[] = {
    {"run() goes on until stop()", nothing,
     [](Context& c) {
       int rounds = 0;
       std::function<void()> again = [&] {
         if (++rounds == 10) {
           c.reactor().stop();
         } else {
           c.reactor().call_later(0ns, again).detach();
         }
       };
       c.reactor().post(again);
       c.reactor().run();
       c.equal(rounds, 10, "the number of rounds");
     }},
    {"run() can be called again after stop()", nothing,
     [](Context& c) {
       std::string log;
       for (const char* text : {"a", "b", "c"}) {
         c.reactor().post([&log, text] { log += text; });
         c.reactor().post([&] { c.reactor().stop(); });
         c.reactor().run();
       }
       c.equal(log, "abc", "what has run");
     },
     "core.runAfterStop"},
    {"a second reactor can run after the first has ended", nothing,
     [](Context& c) {
       for (int i = 0; i < 3; ++i) {
         c.run_for(1ms);
         c.end_reactor();
       }
     }},
    {"stop() before run() makes the next run() return, and only that", nothing,
     [](Context& c) {
       int calls = 0;
       c.reactor().post([&] {
         ++calls;
         c.reactor().stop();
       });
       c.reactor().stop();
       c.reactor().run();
       c.equal(calls, 0, "the number of calls in the run that was stopped before");
       c.reactor().run();
       c.equal(calls, 1, "the number of calls in the next run");
     },
     "core.stopWhenNotStarted"},
    {"stop() twice is one stop", nothing,
     [](Context& c) {
       int calls = 0;
       c.reactor().post([&] {
         c.reactor().stop();
         c.reactor().stop();
       });
       c.reactor().run();
       c.reactor()
           .call_later(1ms,
                       [&] {
                         ++calls;
                         c.reactor().stop();
                       })
           .detach();
       c.reactor().run();
       c.equal(calls, 1, "the number of calls in the next run, which goes its own way");
     },
     "core.stopWhenAlreadyStopped"},
    {"the turn in which stop() is called is taken to its end", nothing,
     [](Context& c) {
       std::string log;
       c.reactor().post([&] {
         c.reactor().stop();
         log += "stop ";
         c.reactor().post([&] { log += "after"; });
       });
       c.reactor().run();
       c.equal(log, "stop after", "what has run");
     }},
    {"a timer stops the reactor", nothing,
     [](Context& c) {
       const DelayedCall stop = c.reactor().call_later(1ms, [&] { c.reactor().stop(); });
       c.reactor().run();
       c.check(!stop.active(), "it was called");
     },
     "time.delayedCallStopsReactor"},
    {"a watch stops the reactor", descriptors,
     [](Context& c) {
       SocketPair pair;
       pair.write(1);
       int calls = 0;
       const Watch watch = c.reactor().watch(pair[0], Ready::read, [&] {
         ++calls;
         c.reactor().stop();
       });
       c.reactor().run();
       c.equal(calls, 1, "the number of calls");
     }},
    {"a task stops the reactor", nothing,
     [](Context& c) {
       const auto code = c.reactor().run([](Reactor& r) -> Task<int> {
         co_await Pause{1ms};
         r.stop();
         co_return 7;
       }(c.reactor()));
       c.equal(code, 7, "the exit code");
     }},
    {"another thread stops the reactor", threads,
     [](Context& c) {
       Reactor& reactor = c.reactor();
       const Joined stopper([&] {
         std::this_thread::sleep_for(3ms);
         reactor.stop();
       });
       reactor.run();
     }},
    {"another thread stops a reactor that waits for a distant timer", threads | real_time,
     [](Context& c) {
       Reactor& reactor = c.reactor();
       const DelayedCall distant = reactor.call_later(1h, [] {});
       const Joined stopper([&] {
         std::this_thread::sleep_for(3ms);
         reactor.stop();
       });
       reactor.run();
       c.check(distant.active(), "the timer is still set");
     }},
    {"running() is true inside run() and nowhere else", nothing,
     [](Context& c) {
       bool inside = false;
       c.reactor().post([&] {
         inside = c.reactor().running();
         c.reactor().stop();
       });
       c.check(!c.reactor().running(), "not before");
       c.reactor().run();
       c.check(inside, "it is inside");
       c.check(!c.reactor().running(), "not after");
     }},
    {"run() inside run() is refused, from each kind of callback, and the outer one goes on",
     descriptors,
     [](Context& c) {
       SocketPair pair;
       pair.write(1);
       int refused = 0;
       c.reactor().post([&] { refused += run_is_refused(c); });
       const DelayedCall timer = c.reactor().call_later(0ns, [&] { refused += run_is_refused(c); });
       Watch watch;
       watch = c.reactor().watch(pair[0], Ready::read, [&] {
         refused += run_is_refused(c);
         watch = Watch();
       });
       c.run_for(2ms);
       c.equal(refused, 3, "the number of refusals");
     },
     "core.multipleRun"},
    {"run() is refused inside a turn that somebody else takes", nothing,
     [](Context& c) {
       bool refused = false;
       c.reactor().post([&] { refused = run_is_refused(c); });
       c.turn();
       c.check(refused, "a turn is under way");
       c.run_for(1ms);
     }},
    {"run_until() is refused inside run()", nothing,
     [](Context& c) {
       bool refused = false;
       c.reactor().post([&] {
         try {
           c.reactor().run_until(succeed(1));
         } catch (const ReactorStateError&) {
           refused = true;
         }
         c.reactor().stop();
       });
       c.reactor().run();
       c.check(refused, "a run is under way");
     }},
    {"run_until() gives the value of a Deferred that is fired by a timer", nothing,
     [](Context& c) {
       auto [promise, deferred] = make_deferred<int>();
       const DelayedCall timer =
           c.reactor().call_later(1ms, [p = std::move(promise)]() mutable { p.callback(5); });
       c.equal(c.reactor().run_until(std::move(deferred)), 5, "the value");
     }},
    {"run_until() gives the value of a Deferred that is fired by another thread", threads,
     [](Context& c) {
       Reactor& reactor = c.reactor();
       auto [promise, deferred] = make_deferred<int>();
       // Who holds a RemoteReactor may still call: the reactor waits for him.
       const Joined sender([remote = reactor.remote(), &p = promise] {
         std::this_thread::sleep_for(2ms);
         remote.call_from_thread([&p] { p.callback(6); });
       });
       c.equal(reactor.run_until(std::move(deferred)), 6, "the value");
     }},
    {"run_until() gives the value of a Deferred that is fired by a descriptor", descriptors,
     [](Context& c) {
       SocketPair pair;
       pair.write(1, "word");
       auto [promise, deferred] = make_deferred<std::string>();
       Watch watch;
       watch = c.reactor().watch(pair[0], Ready::read, [&, &p = promise] {
         watch = Watch();
         p.callback(pair.read(0));
       });
       c.equal(c.reactor().run_until(std::move(deferred)), "word", "the value");
     }},
    {"run_until() throws the Deferred's failure", nothing,
     [](Context& c) {
       c.throws<std::out_of_range>(
           [&] { c.reactor().run_until(fail<int>(std::out_of_range("far"))); }, "run_until()");
     }},
    {"run_until() says so if the reactor is stopped before", nothing,
     [](Context& c) {
       auto [promise, deferred] = make_deferred<int>();
       c.reactor().post([&] { c.reactor().stop(); });
       c.throws<ReactorStateError>([&, &d = deferred] { c.reactor().run_until(std::move(d)); },
                                   "run_until()");
     }},
    {"run(main) gives 1 for a main task that fails, and reports the failure", nothing,
     [](Context& c) {
       const int code = c.reactor().run([]() -> Task<int> {
         co_await Pause{1ms};
         throw std::runtime_error("main broke");
       }());
       c.equal(code, 1, "the exit code");
       c.equal(c.report_texts(), "main broke", "what is reported");
     }},
    {"a turn taken by hand goes on where run() has stopped", nothing,
     [](Context& c) {
       std::string log;
       c.reactor().post([&] {
         log += "run ";
         c.reactor().stop();
       });
       c.reactor().run();
       c.reactor().post([&] { log += "hand"; });
       c.turn();
       c.equal(log, "run hand", "what has run");
     }},
    {"turns by hand wait for nothing", real_time,
     [](Context& c) {
       const auto begin = steady_clock::now();
       const DelayedCall distant = c.reactor().call_later(1h, [] {});
       c.turns(10);
       c.check(steady_clock::now() - begin < 10s, "ten turns are short");
     },
     "core.iterate"},
    {"now() stands still within a turn", nothing,
     [](Context& c) {
       bool same = false;
       c.reactor().post([&] {
         const TimePoint first = c.reactor().now();
         const auto begin = steady_clock::now();
         while (steady_clock::now() - begin < 2ms) {
         }
         same = c.reactor().now() == first;
       });
       c.turn();
       c.check(same, "the turn has one time");
     }},
    {"now() goes on outside of turns", real_time,
     [](Context& c) {
       const TimePoint first = c.reactor().now();
       const auto begin = steady_clock::now();
       while (steady_clock::now() - begin < 5ms) {
       }
       c.check(c.reactor().now() - first >= 3ms, "it is the clock's time");
     }},
    {"two reactors of one thread run one after the other, each with its own timers", nothing,
     [](Context& c) {
       Reactor other(c.make_backend());
       if (other.backend().shared()) c.skip("the loop is shared: whoever drives it drives both");
       std::string log;
       const DelayedCall mine = c.reactor().call_later(2ms, [&] { log += "mine "; });
       const DelayedCall its = other.call_later(1ms, [&] {
         log += "its ";
         other.stop();
       });
       other.run();
       c.equal(log, "its ", "what has run in the other");
       c.run_for(3ms);
       c.equal(log, "its mine ", "what has run in both");
     }},
};

}  // namespace

std::span<const ConformanceCase> run_cases() { return cases_of_run; }

}  // namespace deferred::testing::conformance
