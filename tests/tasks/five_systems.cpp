// SPDX-License-Identifier: MIT
//
// The bugs and the transcripts of the five systems that this library unites: PJE's microthreads,
// resumeback, krondo's inlineCallbacks, Qt's AsyncTask, and pyos.
#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "deferred/tasks/deferred_coroutine.hpp"
#include "deferred/tasks/value.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/current_task.hpp"
#include "deferred/yieldables/deferred.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/reply.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/probes.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

using Lines = std::vector<std::string>;

// ---- The bugs.

TEST_CASE_FIXTURE(Loop, "stale wake-up: a Deferred that fires after its timeout resumes nothing") {
  // PJE: the abandoned Deferred resumed the task later, at the wrong yield, with the wrong value.
  auto [promise, deferred] = make_deferred<int>();
  auto spawned = spawn(reactor, [d = std::move(deferred)]() mutable -> Task<int> {
    const Outcome<int> late = co_await as_outcome(with_timeout(1s, std::move(d)));
    CHECK(late.check<TimeoutError>());
    auto [other_promise, other] = make_deferred<int>();
    auto fire = [p = std::make_shared<Promise<int>>(std::move(other_promise))] { p->callback(7); };
    const TaskRef self = co_await current_task;
    self.reactor().call_later(5s, std::move(fire)).detach();
    co_return co_await std::move(other);
  });
  time.advance(1s);

  promise.callback(666);
  settle();
  CHECK_FALSE(spawned.done());
  time.advance(5s);

  CHECK(outcome_of(std::move(spawned)).value() == 7);
}

TEST_CASE_FIXTURE(Loop, "stale wake-up: a Pause that was interrupted by throw_() resumes nothing") {
  // PJE: the pause's timer still resumed the task.
  std::vector<Duration> wakes;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    const Outcome<void> first = co_await as_outcome(Pause(1s));
    CHECK(first.check<Oops>());
    wakes.push_back(now());
    co_await Pause(10s);
    wakes.push_back(now());
  });
  settle();

  spawned.task().throw_(Oops());
  time.run_until_idle();

  CHECK(wakes == std::vector<Duration>{0s, 10s});
}

TEST_CASE_FIXTURE(Loop, "falsy results: 0, an empty text, false and an empty list arrive") {
  // Qt's AsyncTask: `if not input_` turned them into None.
  outcome_of([]() -> Task<> {
    const int zero = co_await succeed(0);
    const std::string empty = co_await succeed(std::string());
    const bool no = co_await succeed(false);
    const Lines none = co_await succeed(Lines());
    CHECK(zero == 0);
    CHECK(empty.empty());
    CHECK_FALSE(no);
    CHECK(none.empty());
  }).value();
}

TEST_CASE_FIXTURE(Loop, "a returned exception object is a value, not an error") {
  // Qt's AsyncTask took it for a raised one.
  const auto gives_one = []() -> Task<std::runtime_error> {
    co_return std::runtime_error("only looked at");
  };

  outcome_of([&]() -> Task<> {
    const std::runtime_error of_task = co_await gives_one();
    const std::runtime_error of_deferred = co_await succeed(std::runtime_error("looked at too"));
    CHECK(std::string(of_task.what()) == "only looked at");
    CHECK(std::string(of_deferred.what()) == "looked at too");
  }).value();
}

TEST_CASE_FIXTURE(Loop, "lost error: the failure of a task that is awaited late is thrown there") {
  // Qt's AsyncTask: of several tasks started first, the error of the second was lost.
  const auto fails = [](const char* what, Duration after) -> Task<> {
    co_await Pause(after);
    throw std::runtime_error(what);
  };
  Lines caught;

  outcome_of([&]() -> Task<> {
    auto first = spawn(reactor, fails, "first", 2s);
    auto second = spawn(reactor, fails, "second", 1s);
    try {
      co_await std::move(first);
    } catch (const std::runtime_error& e) {
      caught.push_back(e.what());
    }
    try {
      co_await std::move(second);
    } catch (const std::runtime_error& e) {
      caught.push_back(e.what());
    }
  }).value();

  CHECK(caught == Lines{"first", "second"});
  CHECK(unhandled.take().empty());
}

TEST_CASE_FIXTURE(Loop, "lost error: one that is never awaited is reported") {
  const auto fails = []() -> Task<> {
    co_await Pause(1s);
    throw std::runtime_error("nobody asks");
  };
  {
    auto kept = spawn(reactor, fails);
    time.advance(1s);
  }

  CHECK(unhandled.take() == Lines{"nobody asks"});
}

TEST_CASE_FIXTURE(Loop, "deep loop: a loop over fired Deferreds does not grow the stack") {
  // PJE: the stack ended after 5000 steps. (A million: depth.cpp)
  const auto outcome = outcome_of([]() -> Task<int> {
    int sum = 0;
    for (int i = 0; i < 100'000; ++i) sum += co_await succeed(1);
    co_return sum;
  });

  CHECK(outcome.value() == 100'000);
}

TEST_CASE_FIXTURE(Loop, "re-entrant resume: a running microthread cannot be resumed") {
  // PJE: it was popped and killed. resumeback: "ValueError: generator already executing".
  Later<int> first;
  Later<int> second;
  auto spawned = spawn(reactor, [&]() -> Task<int> {
    const int one = co_await first;
    CHECK_FALSE(first.waiter().resume(99));
    CHECK_FALSE(first.waiter().throw_(Oops()));
    TaskRef self = co_await current_task;
    CHECK_THROWS_AS(self.throw_(Oops()), TaskRunningError);
    co_return one + co_await second;
  });
  settle();
  first.waiter().resume(1);
  settle();
  REQUIRE_FALSE(spawned.done());

  second.waiter().resume(2);
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 3);
}

TEST_CASE_FIXTURE(Loop, "re-entrant resume: an answer from inside the handler is only taken down") {
  struct CallsBack {
    void yield_to(Waiter<int> waiter) const {
      Waiter<int> copy = waiter;
      copy.resume(5);
    }
  };

  const auto outcome = outcome_of([]() -> Task<int> {
    const CallsBack calls_back;
    co_return co_await calls_back;
  });

  CHECK(outcome.value() == 5);
}

TEST_CASE_FIXTURE(Loop, "a coroutine that never awaits has a result like any other") {
  // Qt's AsyncTask: StopIteration was raised at the caller.
  const auto plain = []() -> Task<int> { co_return 1; };
  const auto throws = [](bool really) -> Task<int> {
    if (really) throw Oops("at once");
    co_return 0;
  };

  CHECK(outcome_of(plain()).value() == 1);
  CHECK(outcome_of(throws(true)).check<Oops>());
}

TEST_CASE_FIXTURE(Loop,
                  "an unrecognised value is an error where it was yielded, not in the reactor") {
  // PJE: TypeError was raised into the reactor, and the task hung.
  Lines notes;

  outcome_of([&]() -> Task<> {
    try {
      Value nonsense = 5;
      const Value answer = co_await std::move(nonsense);
    } catch (const UnknownYieldable&) {
      notes.push_back("told");
    }
  }).value();

  CHECK(notes == Lines{"told"});
}

TEST_CASE_FIXTURE(Loop, "an error of a handler does not escape into the reactor") {
  // PJE: errors of a `yieldable` function were not caught.
  struct Fails {
    void yield_to(Waiter<void>) const { throw Oops("of the handler"); }
  };

  const auto outcome = outcome_of([]() -> Task<> {
    const Fails fails;
    co_await fails;
  });

  CHECK(outcome.check<Oops>());
}

TEST_CASE_FIXTURE(Loop, "destructors of a subtask run before its caller resumes") {
  // PJE's Return runs the generator's `finally` first.
  Lines notes;
  const auto callee = [&]() -> Task<int> {
    const NotesEnd finally(notes, "finally");
    co_return 42;
  };

  outcome_of([&]() -> Task<> {
    const int got = co_await callee();
    notes.push_back("caller has " + std::to_string(got));
  }).value();

  CHECK(notes == Lines{"finally", "caller has 42"});
}

TEST_CASE_FIXTURE(Loop, "a killed microthread leaves nobody waiting for it in the dark") {
  // pyos: KillTask left the WaitTask waiters hanging.
  auto victim = spawn(reactor, []() -> Task<> { co_await Pause(1h); });
  TaskRef task = victim.task();
  auto waiter =
      spawn(reactor, [](Spawned<void> s) -> Task<> { co_await std::move(s); }, std::move(victim));
  settle();

  task.close();
  settle();

  CHECK(outcome_of(std::move(waiter)).check<AbandonedError>());
}

// ---- The transcripts.

TEST_CASE_FIXTURE(Loop, "pyos: foo and bar take turns, ten lines") {
  Lines printed;
  const auto say = [&](std::string line) { printed.push_back(std::move(line)); };
  const auto body = [&](std::string name, int times) -> Task<> {
    const TaskRef self = co_await current_task;
    for (int i = 0; i < times; ++i) {
      say("I'm " + name + " " + std::to_string(self.id()));
      co_await Pause();
    }
    say("Task " + std::to_string(self.id()) + " terminated");
  };
  spawn(reactor, body, "foo", 3);
  spawn(reactor, body, "bar", 5);

  time.run_until_idle();

  CHECK(printed == Lines{"I'm foo 1", "I'm bar 2", "I'm foo 1", "I'm bar 2", "I'm foo 1",
                         "I'm bar 2", "Task 1 terminated", "I'm bar 2", "I'm bar 2",
                         "Task 2 terminated"});
}

// A Deferred that fires after a time, as krondo's examples make them with callLater.
Deferred<int> later(Reactor& reactor, Duration delay, int value) {
  co_await Pause(delay);
  static_cast<void>(reactor);
  co_return value;
}
Deferred<int> fails_later(Reactor& reactor, Duration delay, int what) {
  co_await Pause(delay);
  static_cast<void>(reactor);
  throw std::runtime_error(std::to_string(what));
}

TEST_CASE_FIXTURE(Loop, "krondo's inline-callbacks-1: a value, 5 s, a value, 5 s, an exception") {
  Lines printed;
  const auto say = [&](const std::string& line) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now()).count();
    printed.push_back(std::to_string(seconds) + " " + line);
  };
  const auto my_callbacks = [&](Reactor& r) -> Deferred<void> {
    say("first callback");
    const int one = co_await succeed(1);
    say("second callback got " + std::to_string(one));
    const int two = co_await later(r, 5s, 2);
    say("third callback got " + std::to_string(two));
    try {
      co_await fails_later(r, 5s, 3);
    } catch (const std::runtime_error& e) {
      say(std::string("fourth callback got exception ") + e.what());
    }
    r.stop();
  };
  reactor.post([&] { my_callbacks(reactor).detach(); });

  reactor.run();

  CHECK(printed == Lines{"0 first callback", "0 second callback got 1", "5 third callback got 2",
                         "10 fourth callback got exception 3"});
}

TEST_CASE_FIXTURE(Loop, "krondo's inline-callbacks-2: two at once, one gives 1, one raises uh oh") {
  Lines printed;
  const auto one = [](Reactor& r) -> Deferred<int> {
    co_await later(r, 2s, 0);
    co_await later(r, 2s, 0);
    co_return 1;
  };
  const auto two = [](Reactor& r) -> Deferred<int> {
    co_await later(r, 3s, 0);
    co_await later(r, 3s, 0);
    throw std::runtime_error("uh oh");
  };
  int finished = 0;
  const auto end = [&] {
    if (++finished == 2) reactor.stop();
  };
  one(reactor)
      .add_callback([&](int n) {
        CHECK(now() == 4s);
        printed.push_back("got result: " + std::to_string(n));
        end();
      })
      .detach();
  two(reactor)
      .add_callback([](int) {})
      .add_errback([&](const std::runtime_error& e) {
        CHECK(now() == 6s);
        printed.push_back(std::string("got exception: ") + e.what());
        end();
      })
      .detach();

  reactor.run();

  CHECK(printed == Lines{"got result: 1", "got exception: uh oh"});
  CHECK(now() == 6s);
}

}  // namespace
