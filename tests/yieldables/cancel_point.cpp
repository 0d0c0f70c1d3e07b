// SPDX-License-Identifier: MIT
#include "deferred/yieldables/cancel_point.hpp"

#include <doctest/doctest.h>

#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/current_task.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;

namespace {

TEST_CASE_FIXTURE(Loop, "cancel_point goes on at once") {
  int done = 0;
  spawn(reactor, [&]() -> Task<> {
    for (; done < 10; ++done) co_await cancel_point;
  });

  time.run_once(false);

  CHECK(done == 10);
}

TEST_CASE_FIXTURE(Loop, "cancel_point throws in a cancelled task") {
  const auto outcome = outcome_of([]() -> Task<> {
    TaskRef self = co_await current_task;
    self.cancel();
    co_await cancel_point;
  });

  CHECK(outcome.check<Cancelled>());
}

TEST_CASE_FIXTURE(Loop, "cancel_point leaves a one-shot cancel for an await that waits") {
  const auto outcome = outcome_of([]() -> Task<> {
    TaskRef self = co_await current_task;
    self.cancel_once();
    co_await cancel_point;
  });

  CHECK(outcome.has_value());
}

TEST_CASE_FIXTURE(Loop, "cancel_point throws what is thrown into the task before") {
  auto spawned = spawn(reactor, []() -> Task<> { co_await cancel_point; });

  spawned.task().throw_(7);
  settle();

  CHECK(*outcome_of(std::move(spawned)).check<int>() == 7);
}

}  // namespace
