// SPDX-License-Identifier: MIT
#include "deferred/yieldables/current_task.hpp"

#include <doctest/doctest.h>

#include "deferred/yieldables/pause.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

TEST_CASE_FIXTURE(Loop, "current_task gives the running microthread, without a suspension") {
  TaskRef seen;
  bool others_ran = false;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    reactor.post([&] { others_ran = true; });
    seen = co_await current_task;
    CHECK_FALSE(others_ran);
  });

  settle();

  CHECK(seen == spawned.task());
}

TEST_CASE_FIXTURE(Loop, "a subtask runs in its caller's microthread") {
  const auto callee = []() -> Task<TaskRef> {
    co_await Pause(1s);
    co_return co_await current_task;
  };
  auto spawned = spawn(reactor, callee());
  TaskRef task = spawned.task();

  time.advance(1s);

  CHECK(outcome_of(std::move(spawned)).value() == task);
}

TEST_CASE_FIXTURE(Loop, "current_task leads to the reactor") {
  const auto outcome = outcome_of([]() -> Task<Reactor*> {
    const TaskRef self = co_await current_task;
    co_return &self.reactor();
  });

  CHECK(outcome.value() == &reactor);
}

}  // namespace
