// SPDX-License-Identifier: MIT
//
// A million of everything: no loop and no nesting grows the native stack.
#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "deferred/tasks/deferred_coroutine.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/current_task.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/million.hpp"
#include "tests/support/probes.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

struct Ready1 {
  void yield_to(Waiter<int> w) const { w.resume(1); }
};
Task<int> one() { co_return 1; }

// PJE's microthreads: the stack ended after 5000 steps.
TEST_CASE_FIXTURE(Loop, "a million fired Deferreds are awaited in a row") {
  const auto outcome = outcome_of([]() -> Task<int> {
    int sum = 0;
    for (int i = 0; i < million; ++i) sum += co_await succeed(1);
    co_return sum;
  });

  CHECK(outcome.value() == million);
}

TEST_CASE_FIXTURE(Loop, "a million fired Deferreds are awaited in a row by a Deferred coroutine") {
  const auto sum_up = [](Reactor&) -> Deferred<int> {
    int sum = 0;
    for (int i = 0; i < million; ++i) sum += co_await succeed(1);
    co_return sum;
  };

  Deferred<int> sum = sum_up(reactor);

  REQUIRE(sum.has_result());
  CHECK(std::move(sum).result().value() == million);
}

TEST_CASE_FIXTURE(Loop, "a million yieldables that answer at once are awaited in a row") {
  const auto outcome = outcome_of([]() -> Task<int> {
    int sum = 0;
    for (int i = 0; i < million; ++i) sum += co_await Ready1();
    co_return sum;
  });

  CHECK(outcome.value() == million);
}

TEST_CASE_FIXTURE(Loop, "a million subtasks that never wait are awaited in a row") {
  const auto outcome = outcome_of([]() -> Task<int> {
    int sum = 0;
    for (int i = 0; i < million; ++i) sum += co_await one();
    co_return sum;
  });

  CHECK(outcome.value() == million);
}

TEST_CASE_FIXTURE(Loop, "loops of calls of Deferred coroutines do not grow the stack") {
  const auto five = [](Reactor&) -> Deferred<int> { co_return 5; };
  const auto sum_up = [&](Reactor& r) -> Deferred<int> {
    int sum = 0;
    for (int i = 0; i < 100'000; ++i) sum += co_await five(r);
    co_return sum;
  };

  CHECK(sum_up(reactor).result().value() == 500'000);
}

TEST_CASE_FIXTURE(Loop, "a million Deferreds that fire later are awaited in a row") {
  const auto outcome = outcome_of([]() -> Task<int> {
    int sum = 0;
    for (int i = 0; i < million; ++i) {
      auto [promise, deferred] = make_deferred<int>();
      Reactor& reactor = (co_await current_task).reactor();
      auto fire = [kept = std::make_shared<Promise<int>>(std::move(promise))] {
        kept->callback(1);
      };
      reactor.post(std::move(fire));
      sum += co_await std::move(deferred);
    }
    co_return sum;
  });

  CHECK(outcome.value() == million);
}

// Calls itself `depth` times and waits at the leaf.
template <class Y>
Task<int> nested(int depth, Y& leaf) {
  if (depth == 0) {
    co_await leaf;
    co_return 0;
  }
  co_return 1 + co_await nested(depth - 1, leaf);
}

TEST_CASE_FIXTURE(Loop, "a million nested subtasks run, wait and return") {
  Later<int> leaf;
  auto spawned = spawn(reactor, nested(million, leaf));
  settle();
  REQUIRE(leaf.waiting());

  leaf.waiter().resume(0);
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == million);
}

TEST_CASE_FIXTURE(Loop, "a million nested subtasks are thrown through") {
  Later<int> leaf;
  auto spawned = spawn(reactor, nested(million, leaf));
  settle();

  leaf.waiter().throw_(Oops{"from the leaf"});
  settle();

  const auto outcome = outcome_of(std::move(spawned));
  REQUIRE(outcome.check<Oops>());
  CHECK(outcome.failure().report().find("more") != std::string::npos);
}

TEST_CASE_FIXTURE(Loop, "a million nested subtasks are cancelled") {
  Later<int> leaf;
  auto spawned = spawn(reactor, nested(million, leaf));
  settle();

  spawned.task().cancel();
  settle();

  CHECK(outcome_of(std::move(spawned)).check<Cancelled>());
}

TEST_CASE_FIXTURE(Loop, "a million nested subtasks are closed") {
  Later<int> leaf;
  auto spawned = spawn(reactor, nested(million, leaf));
  settle();

  spawned.task().close();

  CHECK(leaf.undone() == 1);
  CHECK(outcome_of(std::move(spawned)).check<AbandonedError>());
}

TEST_CASE("a million nested subtasks end with the reactor") {
  Later<int> leaf;
  {
    Loop loop;
    spawn(loop.reactor, nested(million, leaf));
    loop.settle();
    REQUIRE(leaf.waiting());
  }

  CHECK(leaf.undone() == 1);
}

Task<> owns(std::shared_ptr<int>) { co_return; }
Task<> calls(Task<> other) { co_await std::move(other); }
/// The first of them owns what is given.
Task<> million_that_own_each_other(std::shared_ptr<int> owned) {
  Task<> row = owns(std::move(owned));
  for (int i = 0; i < million; ++i) row = calls(std::move(row));
  return row;
}

// Their destructors called each other.
TEST_CASE("a million tasks that are each other's parameters are dropped") {
  const auto owned = std::make_shared<int>();

  {
    const Task<> dropped = million_that_own_each_other(owned);
  }

  CHECK(owned.use_count() == 1);
}

TEST_CASE_FIXTURE(Loop, "a million tasks that are each other's parameters are closed unbegun") {
  const auto owned = std::make_shared<int>();
  auto spawned = spawn(reactor, million_that_own_each_other(owned));

  spawned.task().close();

  CHECK(owned.use_count() == 1);
}

TEST_CASE_FIXTURE(Loop, "a million nested subtasks are described without all of them") {
  Later<int> leaf;
  auto spawned = spawn(reactor, nested(million, leaf));
  settle();

  const std::string text = spawned.task().where();

  CHECK(text.size() < 10'000);
  CHECK(text.find("and more") != std::string::npos);
}

// Its failure is handed up as an Outcome: nothing is thrown on the way.
template <class Y>
Task<Outcome<int>> nested_outcomes(int depth, Y& leaf) {
  if (depth == 0) co_return co_await as_outcome(leaf);
  co_return co_await nested_outcomes(depth - 1, leaf);
}

TEST_CASE_FIXTURE(Loop, "a failure passes a million nested subtasks as an Outcome") {
  Later<int> leaf;
  auto spawned = spawn(reactor, [&]() -> Task<bool> {
    const Outcome<int> outcome = co_await nested_outcomes(million, leaf);
    co_return outcome.check<Oops>() != nullptr;
  });
  settle();

  leaf.waiter().throw_(Oops{});
  settle();

  CHECK(outcome_of(std::move(spawned)).value());
}

// Long enough that a call for each of them would overflow the stack.
constexpr int row_length = 100'000;
Task<int> add_one(Deferred<int> before) { co_return 1 + co_await std::move(before); }

TEST_CASE_FIXTURE(Loop, "a row of microthreads that wait for one another ends in a row") {
  auto [promise, first] = make_deferred<int>();
  Deferred<int> last = std::move(first);
  for (int i = 0; i < row_length; ++i) {
    last = spawn(reactor, add_one(std::move(last)));
  }
  settle();

  promise.callback(0);
  settle();

  REQUIRE(last.has_result());
  CHECK(std::move(last).result().value() == row_length);
}

TEST_CASE_FIXTURE(Loop, "a row of microthreads that wait for one another is cancelled in a loop") {
  auto [promise, first] = make_deferred<int>();
  Deferred<int> last = std::move(first);
  for (int i = 0; i < row_length; ++i) {
    last = spawn(reactor, add_one(std::move(last)));
  }
  settle();

  last.cancel();
  CHECK(promise.fired());
  settle();

  REQUIRE(last.has_result());
  CHECK(std::move(last).result().check<Cancelled>());
  CHECK(reactor.task_count() == 0);
}

TEST_CASE("a row of microthreads that wait for one another ends with the reactor") {
  auto [promise, first] = make_deferred<int>();
  Deferred<int> last = std::move(first);
  {
    Loop loop;
    for (int i = 0; i < row_length; ++i) {
      last = spawn(loop.reactor, add_one(std::move(last)));
    }
    loop.settle();
  }

  REQUIRE(last.has_result());
  CHECK(std::move(last).result().check<AbandonedError>());
}

}  // namespace
