// SPDX-License-Identifier: MIT
//
// What in_thread() gives, with a pool that runs a function when the test says so. How it ends
// early: in_thread_ends.cpp.
#include "deferred/threads/in_thread.hpp"

#include <doctest/doctest.h>

#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "deferred/tasks/deferred_coroutine.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/support/counted.hpp"
#include "tests/support/manual.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

int twice(int x) { return 2 * x; }

// ---- Values.

TEST_CASE_FIXTURE(Manual, "nothing is called before the await") {
  bool called = false;

  {
    [[maybe_unused]] const auto call = in_thread(pool, [&] { called = true; });
  }

  CHECK(pool.queued() == 0);
  CHECK_FALSE(called);
}

TEST_CASE_FIXTURE(Manual, "a task goes on with what the function returned, in the next turn") {
  auto spawned = begin(in_thread(pool, twice, 21));
  CHECK(pool.queued() == 1);

  pool.run_one();
  CHECK_FALSE(spawned.done());
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 42);
}

TEST_CASE_FIXTURE(Manual, "a function that returns nothing gives nothing") {
  int calls = 0;
  auto spawned = begin(in_thread(pool, [&] { ++calls; }));

  run_all();

  CHECK(outcome_of(std::move(spawned)).has_value());
  CHECK(calls == 1);
}

TEST_CASE_FIXTURE(Manual, "a result that only moves is moved, and so are such arguments") {
  auto spawned = begin(in_thread(
      pool, [](std::unique_ptr<int> p) { return std::make_unique<int>(*p + 1); },
      std::make_unique<int>(1)));

  run_all();

  CHECK(*outcome_of(std::move(spawned)).value() == 2);
}

TEST_CASE_FIXTURE(Manual, "falsy values are values") {
  auto zero = begin(in_thread(pool, [] { return 0; }));
  auto empty = begin(in_thread(pool, [] { return std::string(); }));
  auto null = begin(in_thread(pool, [] { return std::unique_ptr<int>(); }));
  auto no = begin(in_thread(pool, [] { return false; }));

  run_all();

  CHECK(outcome_of(std::move(zero)).value() == 0);
  CHECK(outcome_of(std::move(empty)).value().empty());
  CHECK(outcome_of(std::move(null)).value() == nullptr);
  CHECK(outcome_of(std::move(no)).value() == false);
}

TEST_CASE_FIXTURE(Manual, "an exception object that is returned is a value") {
  auto object = begin(in_thread(pool, [] { return std::runtime_error("returned"); }));
  auto pointer = begin(
      in_thread(pool, [] { return std::make_exception_ptr(std::runtime_error("captured")); }));

  run_all();

  const auto outcome = outcome_of(std::move(object));
  REQUIRE(outcome.has_value());
  CHECK(std::string(outcome.value().what()) == "returned");
  CHECK(outcome_of(std::move(pointer)).has_value());
}

TEST_CASE_FIXTURE(Manual, "arguments are copies, unless they are given as std::ref") {
  std::string text = "before";
  int count = 0;
  auto spawned = begin(in_thread(
      pool,
      [](const std::string& copy, int& n) {
        ++n;
        return copy;
      },
      text, std::ref(count)));
  text = "after";

  run_all();

  CHECK(outcome_of(std::move(spawned)).value() == "before");
  CHECK(count == 1);
}

TEST_CASE_FIXTURE(Manual, "members can be called") {
  const auto text = std::make_shared<std::string>("four");
  auto spawned = begin(in_thread(pool, &std::string::size, text));

  run_all();

  CHECK(outcome_of(std::move(spawned)).value() == 4);
}

TEST_CASE_FIXTURE(Manual, "a call that can be copied may be awaited as a variable, and again") {
  int calls = 0;
  const auto count = in_thread(pool, [&] { return ++calls; });
  auto spawned = spawn(reactor, [&]() -> Task<int> {
    const int one = co_await count;
    const int two = co_await count;
    co_return 10 * one + two;
  });
  for (int i = 0; i < 2; ++i) {
    settle();
    pool.run_one();
  }
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 12);
}

// ---- Errors.

TEST_CASE_FIXTURE(Manual, "an error keeps its type") {
  auto spawned = begin(in_thread(pool, [] { throw std::out_of_range("far"); }));
  bool caught = false;
  auto catching = spawn(reactor, [&]() -> Task<> {
    const auto fails = []() -> int { throw Oops("mine"); };
    try {
      co_await in_thread(pool, fails);
    } catch (const Oops& oops) {
      caught = oops.text == "mine";
    }
  });
  settle();

  run_all();

  const auto outcome = outcome_of(std::move(spawned));
  REQUIRE(outcome.check<std::out_of_range>());
  CHECK(outcome.failure().what() == "far");
  CHECK(caught);
}

TEST_CASE_FIXTURE(Manual, "the trace of an error begins at the await, not inside the library") {
  const auto fails = [] { throw std::out_of_range("far"); };
  auto spawned = spawn(reactor, [&]() -> Task<> { co_await in_thread(pool, fails); });
  settle();

  run_all();

  const std::string report = outcome_of(std::move(spawned)).failure().report();
  CHECK(report.find("std::out_of_range: far\n  awaited at in_thread.cpp:") == 0);
}

TEST_CASE_FIXTURE(Manual, "an error that is no exception object keeps its type too") {
  auto spawned = begin(in_thread(pool, [] { throw 7; }));

  run_all();

  CHECK(*outcome_of(std::move(spawned)).check<int>() == 7);
}

TEST_CASE_FIXTURE(Manual, "as_outcome gives value or error without a throw") {
  std::vector<bool> good;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    const auto fails = []() -> int { throw Oops(); };
    const Outcome<int> one = co_await as_outcome(in_thread(pool, twice, 1));
    const Outcome<int> two = co_await as_outcome(in_thread(pool, fails));
    good = {one.has_value(), two.has_value()};
  });
  settle();
  run_all();
  run_all();

  CHECK(good == std::vector{true, false});
}

TEST_CASE_FIXTURE(Manual, "a result whose move throws fails the await") {
  auto spawned = begin(in_thread(pool, [] { return ThrowsOnMove(1); }));
  pool.run_one();

  ThrowsOnMove::throwing = true;
  settle();
  ThrowsOnMove::throwing = false;

  CHECK(outcome_of(std::move(spawned)).check<std::runtime_error>());
}

TEST_CASE_FIXTURE(Manual, "a result whose move throws in the thread fails the await") {
  auto spawned = begin(in_thread(pool, [] { return ThrowsOnMove(1); }));

  ThrowsOnMove::throwing = true;
  pool.run_one();
  ThrowsOnMove::throwing = false;
  settle();

  CHECK(outcome_of(std::move(spawned)).check<std::runtime_error>());
}

TEST_CASE_FIXTURE(Manual, "what the pool's submit throws is thrown at the await") {
  struct Full final : Pool {
    void submit(Job&) override { throw Oops("full"); }
    bool withdraw(Job&) noexcept override { return false; }
  } full;

  auto spawned = begin(in_thread(full, twice, 1));

  CHECK(outcome_of(std::move(spawned)).check<Oops>());
}

TEST_CASE_FIXTURE(Manual, "a pool may run a function at once") {
  struct Inline final : Pool {
    void submit(Job& job) override { job.run(); }
    bool withdraw(Job&) noexcept override { return false; }
  } at_once;

  auto spawned = begin(in_thread(at_once, twice, 4));

  CHECK(outcome_of(std::move(spawned)).value() == 8);
}

// ---- Destruction.

TEST_CASE_FIXTURE(Manual, "the function and its arguments are destroyed before the task goes on") {
  const auto held = std::make_shared<int>();
  auto spawned = begin(in_thread(pool, [](const auto&) {}, std::shared_ptr<int>(held)));
  CHECK(held.use_count() == 2);

  pool.run_one();

  CHECK(held.use_count() == 1);
  settle();
}

TEST_CASE_FIXTURE(Manual, "the result is destroyed with the task's last use of it") {
  const auto held = std::make_shared<int>();
  auto spawned = begin(in_thread(pool, [held] { return held; }));
  run_all();
  CHECK(held.use_count() == 2);

  {
    [[maybe_unused]] const auto gone = outcome_of(std::move(spawned));
  }

  CHECK(held.use_count() == 1);
}

// ---- With others.

TEST_CASE_FIXTURE(Manual, "with_timeout takes back a function that has not begun") {
  auto spawned = spawn(reactor, [&]() -> Task<int> {
    co_return co_await with_timeout(1s, in_thread(pool, twice, 1));
  });

  time.advance(1s);

  CHECK(outcome_of(std::move(spawned)).check<TimeoutError>());
  CHECK(pool.queued() == 0);
}

TEST_CASE_FIXTURE(Manual, "with_timeout gives the value of a function that runs, late") {
  const auto slow = meanwhile([&] { time.advance(5s); });
  auto spawned = spawn(reactor, [&]() -> Task<int> {
    const int got = co_await with_timeout(1s, in_thread(pool, slow));
    co_await Pause(1s);
    co_return got;
  });
  settle();

  run_all();
  time.advance(1s);

  CHECK(outcome_of(std::move(spawned)).value() == 5);
}

TEST_CASE_FIXTURE(Manual, "with_timeout leaves a function alone that may be abandoned") {
  Duration when{};
  const auto slow = meanwhile([&] { time.advance(5s); });
  auto spawned = spawn(reactor, [&]() -> Task<> {
    const auto outcome =
        co_await as_outcome(with_timeout(1s, in_thread(pool, slow).abandon_on_cancel()));
    CHECK(outcome.check<TimeoutError>());
    when = now();
  });
  settle();

  run_all();

  CHECK(when == 1s);
  CHECK(spawned.done());
}

TEST_CASE_FIXTURE(Manual, "the dump names the place of the await") {
  auto spawned =
      spawn(reactor, [&]() -> Task<int> { co_return co_await in_thread(pool, twice, 1); });
  settle();

  CHECK(reactor.dump_tasks().find("in_thread.cpp") != std::string::npos);
  spawned.task().close();
}

TEST_CASE_FIXTURE(Manual, "a coroutine that returns a Deferred may await one, too") {
  const auto body = [&](Reactor&) -> Deferred<int> {
    const int got = co_await in_thread(pool, twice, 4);
    co_return got + 1;
  };
  Deferred<int> first = body(reactor);
  Deferred<int> second = body(reactor);

  second.cancel();
  settle();
  CHECK(std::move(second).result().check<Cancelled>());
  run_all();

  CHECK(std::move(first).result().value() == 9);
}

}  // namespace
