// SPDX-License-Identifier: MIT
//
// Microthreads that are paused from outside.
#include <doctest/doctest.h>

#include <stdexcept>
#include <utility>

#include "deferred/results/errors.hpp"
#include "deferred/tasks/cancel_scope.hpp"
#include "deferred/tasks/nursery.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/support/counted.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

/// Counts ten steps a second.
Task<> steps(int& count) {
  for (;;) {
    ++count;
    co_await Pause{100ms};
  }
}

TEST_CASE_FIXTURE(Loop, "a microthread that is paused does not go on until it is resumed") {
  int count = 0;
  auto spawned = spawn(reactor, steps(count));
  time.advance(350ms);
  CHECK(count == 4);

  spawned.task().pause();
  time.advance(1s);
  CHECK(count == 4);

  spawned.task().resume();
  settle();
  CHECK(count == 5);
}

TEST_CASE_FIXTURE(Loop, "pauses are counted, and a resume too many is a NotPausedError") {
  int count = 0;
  auto spawned = spawn(reactor, steps(count));
  TaskRef task = spawned.task();
  task.pause();
  task.pause();
  time.advance(1s);
  CHECK(count == 0);

  task.resume();
  time.advance(1s);
  CHECK(count == 0);
  task.resume();
  time.advance(1s);
  CHECK(count != 0);
  CHECK_THROWS_AS(task.resume(), NotPausedError);
}

TEST_CASE_FIXTURE(Loop, "an answer that comes during a pause is kept") {
  auto [promise, deferred] = make_deferred<int>();
  auto spawned = spawn(reactor, [&]() -> Task<int> { co_return co_await std::move(deferred); });
  settle();
  spawned.task().pause();
  promise.callback(5);
  settle();
  CHECK_FALSE(spawned.done());
  CHECK(spawned.task().where().find("task #1 is paused, and is ready to go on") == 0);

  spawned.task().resume();
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 5);
}

TEST_CASE_FIXTURE(Loop, "one that was never started can be paused, and begins when it is resumed") {
  bool began = false;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    began = true;
    co_return;
  });
  spawned.task().pause();
  settle();
  CHECK_FALSE(began);

  spawned.task().resume();
  settle();
  CHECK(began);
}

TEST_CASE_FIXTURE(Loop, "one that pauses itself goes on to its next wait") {
  int count = 0;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    TaskRef::running().pause();
    ++count;
    co_await Pause{};
    ++count;
  });
  settle();
  CHECK(count == 1);

  spawned.task().resume();
  settle();
  CHECK(count == 2);
}

TEST_CASE_FIXTURE(Loop, "a level cancel does not wait for the end of a pause") {
  int count = 0;
  auto waits = spawn(reactor, steps(count));
  auto held = spawn(reactor, steps(count));
  settle();
  held.task().pause();
  time.advance(500ms);
  waits.task().pause();

  waits.task().cancel();
  held.task().cancel();
  settle();

  CHECK(outcome_of(std::move(waits)).check<Cancelled>());
  CHECK(outcome_of(std::move(held)).check<Cancelled>());
}

TEST_CASE_FIXTURE(Loop, "a nursery that is cancelled does not wait for children that are paused") {
  int count = 0;
  const auto outcome = outcome_of([&]() -> Task<> {
    co_await move_on_after(1s, with_nursery([&](Nursery& nursery) -> Task<> {
                             auto child = nursery.spawn(steps(count));
                             child.task().pause();
                             co_await Pause{1h};
                           }));
  });

  outcome.value();
  CHECK(now() == 1s);
}

// It went on until the scope had ended.
TEST_CASE_FIXTURE(Loop, "a limit that ends in one that is paused is thrown when it is resumed") {
  bool went_on = false;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    co_await move_on_after(1s, Pause{1h});
    went_on = true;
  });
  settle();
  spawned.task().pause();
  time.advance(2s);
  CHECK_FALSE(went_on);

  spawned.task().resume();
  settle();
  CHECK(went_on);
}

TEST_CASE_FIXTURE(Loop, "a one-shot cancel, or an error thrown in, is delivered after the pause") {
  auto one_shot = spawn(reactor, Pause{1h});
  auto thrown = spawn(reactor, Pause{1h});
  settle();
  one_shot.task().pause();
  thrown.task().pause();
  one_shot.task().cancel_once();
  thrown.task().throw_(std::runtime_error("in"));
  settle();
  CHECK_FALSE(one_shot.done());
  CHECK_FALSE(thrown.done());

  one_shot.task().resume();
  thrown.task().resume();
  settle();

  CHECK(outcome_of(std::move(one_shot)).check<Cancelled>());
  CHECK(outcome_of(std::move(thrown)).check<std::runtime_error>());
}

TEST_CASE_FIXTURE(Loop,
                  "close() of one that is paused closes it at once, whatever it has come to") {
  Counted::reset();
  const auto body = [](Duration time) -> Task<> {
    const Counted local(1);
    co_await Pause{time};
  };
  auto waits = spawn(reactor, body, 10h);
  auto held = spawn(reactor, body, 1s);
  auto fresh = spawn(reactor, body, 1s);
  fresh.task().pause();
  held.task().pause();
  settle();
  waits.task().pause();
  held.task().resume();
  settle();
  held.task().pause();
  time.advance(2s);
  CHECK(Counted::live == 2);

  for (auto* each : {&waits, &held, &fresh}) each->task().close();

  CHECK(Counted::live == 0);
  // Done: nothing happens.
  waits.task().resume();
  waits.task().pause();
  time.run_until_idle();
}

TEST_CASE("microthreads that are paused end with their reactor") {
  Counted::reset();
  {
    reactors::VirtualTime time;
    Reactor reactor{time};
    const auto body = []() -> Task<> {
      const Counted local(1);
      for (;;) co_await Pause{1s};
    };
    auto spawned = spawn(reactor, body);
    time.advance();
    spawned.task().pause();
    time.advance(2s);
    CHECK(Counted::live == 1);
  }
  CHECK(Counted::live == 0);
}

}  // namespace
