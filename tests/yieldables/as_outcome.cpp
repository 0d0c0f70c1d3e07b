// SPDX-License-Identifier: MIT
#include "deferred/yieldables/as_outcome.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>

#include "deferred/tasks/spawn.hpp"
#include "deferred/tasks/value.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/probes.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

Task<int> fails() {
  co_await Pause(1s);
  throw Oops("from a task");
}

TEST_CASE_FIXTURE(Loop, "as_outcome gives the value of what it wraps") {
  outcome_of([]() -> Task<> {
    const Outcome<int> of_deferred = co_await as_outcome(succeed(1));
    AtOnce<int> probe(2);
    const Outcome<int> of_lvalue = co_await as_outcome(probe);
    const Outcome<void> of_void = co_await as_outcome(Pause(1s));
    CHECK(of_deferred.value() == 1);
    CHECK(of_lvalue.value() == 2);
    CHECK(of_void.has_value());
  }).value();
}

TEST_CASE_FIXTURE(Loop, "as_outcome gives a Deferred's failure, fired or not") {
  auto [promise, later] = make_deferred<int>();
  auto spawned = spawn(reactor, [d = std::move(later)]() mutable -> Task<> {
    const Outcome<int> at_once = co_await as_outcome(fail<int>(Oops("at once")));
    const Outcome<int> later = co_await as_outcome(std::move(d));
    CHECK(at_once.check<Oops>());
    CHECK(later.check<std::runtime_error>());
  });
  settle();
  REQUIRE_FALSE(spawned.done());

  promise.errback(std::runtime_error("later"));
  settle();

  CHECK(outcome_of(std::move(spawned)).has_value());
}

TEST_CASE_FIXTURE(Loop, "as_outcome gives what a task throws") {
  outcome_of([]() -> Task<> {
    const Outcome<int> outcome = co_await as_outcome(fails());
    CHECK(outcome.check<Oops>());
  }).value();
}

TEST_CASE_FIXTURE(Loop, "as_outcome gives what a Value's handler answers") {
  outcome_of([]() -> Task<> {
    Value unknown = 1;
    const Outcome<Value> failed = co_await as_outcome(std::move(unknown));
    Value known = succeed(1);
    Outcome<Value> gave = co_await as_outcome(std::move(known));
    CHECK(failed.check<UnknownYieldable>());
    CHECK(gave.value().as<int>() == 1);
  }).value();
}

TEST_CASE_FIXTURE(Loop, "as_outcome gives what a handler throws") {
  struct HandlerThrows {
    void yield_to(Waiter<int>) const { throw Oops("from the handler"); }
  };

  outcome_of([]() -> Task<> {
    const Outcome<int> outcome = co_await as_outcome(HandlerThrows());
    CHECK(outcome.check<Oops>());
  }).value();
}

TEST_CASE_FIXTURE(Loop, "as_outcome gives AbandonedError and Cancelled too") {
  Never never;
  Dropped dropped;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    const Outcome<void> abandoned = co_await as_outcome(dropped);
    const Outcome<void> cancelled = co_await as_outcome(never);
    CHECK(abandoned.check<AbandonedError>());
    CHECK(cancelled.check<Cancelled>());
  });
  settle();

  spawned.task().cancel();
  settle();

  CHECK(outcome_of(std::move(spawned)).has_value());
}

TEST_CASE_FIXTURE(Loop, "as_outcome gives Cancelled that a task passed on") {
  auto spawned = spawn(reactor, []() -> Task<> {
    const Outcome<int> outcome = co_await as_outcome(fails());
    CHECK(outcome.check<Cancelled>());
  });
  settle();

  spawned.task().cancel();
  settle();

  CHECK(outcome_of(std::move(spawned)).has_value());
}

TEST_CASE_FIXTURE(Loop, "as_outcome around with_timeout gives the TimeoutError, of both kinds") {
  outcome_of([]() -> Task<> {
    const Outcome<void> simple = co_await as_outcome(with_timeout(1s, Pause(2s)));
    const Outcome<int> task = co_await as_outcome(with_timeout(500ms, fails()));
    CHECK(simple.check<TimeoutError>());
    CHECK(task.check<TimeoutError>());
  }).value();
  CHECK(reactor.timer_count() == 0);
}

TEST_CASE_FIXTURE(Loop, "with_timeout around as_outcome gives the TimeoutError in the Outcome") {
  const auto outcome = outcome_of([]() -> Task<> {
    const Outcome<void> inside = co_await with_timeout(1s, as_outcome(Pause(2s)));
    CHECK(inside.check<TimeoutError>());
  });

  CHECK(outcome.has_value());
}

TEST_CASE_FIXTURE(Loop, "as_outcome of what gives an Outcome already gives the same") {
  // Twice around a plain yieldable, the answer was put into a slot of another type.
  outcome_of([]() -> Task<> {
    const Outcome<int> value = co_await as_outcome(as_outcome(succeed(3)));
    const Outcome<int> failure = co_await as_outcome(as_outcome(fail<int>(Oops())));
    const Outcome<int> of_task = co_await as_outcome(as_outcome(fails()));
    CHECK(value.value() == 3);
    CHECK(failure.check<Oops>());
    CHECK(of_task.check<Oops>());
  }).value();
}

TEST_CASE_FIXTURE(Loop, "as_outcome undoes what it wraps") {
  Never never;
  auto spawned =
      spawn(reactor, [&]() -> Task<> { const Outcome<void> ignored = co_await as_outcome(never); });
  settle();

  spawned.task().close();

  CHECK(never.undone() == 1);
}

TEST_CASE_FIXTURE(Loop, "as_outcome's value can be move-only") {
  outcome_of([]() -> Task<> {
    Outcome<std::unique_ptr<int>> outcome = co_await as_outcome(succeed(std::make_unique<int>(4)));
    CHECK(*outcome.value() == 4);
  }).value();
}

}  // namespace
