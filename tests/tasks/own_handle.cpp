// SPDX-License-Identifier: MIT
//
// A microthread's handle to itself, and what handles keep: a TaskRef refers to it and keeps neither
// frames nor result; a Spawned keeps the result; a Waiter, a callback's hold on it, keeps one wait
// open. None keeps it alive or ends it: its reactor owns it. (resumeback: `this`, strong and weak)
#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "deferred/yieldables/current_task.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/reply.hpp"
#include "tests/support/counted.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/probes.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

TEST_CASE_FIXTURE(Loop, "handles of one microthread are equal, wherever they come from") {
  std::vector<TaskRef> handles;
  Later<int> later;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    handles.push_back(co_await current_task);
    handles.push_back(TaskRef::running());
    const auto subtask = [&]() -> Task<> {
      handles.push_back(current_task());
      co_await later;
    };
    co_await subtask();
  });
  settle();
  handles.push_back(later.waiter().task());
  handles.push_back(later.waiter().weak().task());

  REQUIRE(handles.size() == 5);
  for (const TaskRef& handle : handles) CHECK(handle == spawned.task());

  later.waiter().resume(1);
  settle();
  for (const TaskRef& handle : handles) CHECK(handle == spawned.task());
}

TEST_CASE_FIXTURE(Loop, "handles of two microthreads differ, and an empty one from both") {
  auto one = spawn(reactor, Pause(1s));
  auto two = spawn(reactor, Pause(1s));

  CHECK(one.task() != two.task());
  CHECK(one.task() != TaskRef());
  CHECK(TaskRef() == TaskRef());
}

TEST_CASE_FIXTURE(Loop, "a TaskRef keeps neither the frames of its microthread nor its result") {
  Counted::reset();
  TaskRef kept;
  spawn(reactor, [&]() -> Task<Counted> {
    const Counted local;
    kept = co_await current_task;
    co_await Pause(1s);
    co_return Counted();
  }).detach();
  time.advance(0s);
  REQUIRE(Counted::live == 1);

  time.advance(1s);

  CHECK(Counted::live == 0);
  CHECK(kept.done());
}

// resumeback: such a cycle is why its wrapper is weak.
TEST_CASE_FIXTURE(Loop, "a microthread that holds its own handle ends, as if it did not") {
  Counted::reset();
  TaskRef seen;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    const Counted local;
    const TaskRef self = co_await current_task;
    const std::function<bool()> callback = [self] { return self.done(); };
    seen = self;
    co_await Pause(1s);
    CHECK_FALSE(callback());
  });
  settle();

  time.advance(1s);

  CHECK(seen.done());
  CHECK(Counted::live == 0);
}

TEST_CASE_FIXTURE(Loop, "a Spawned keeps the result, and not the frame") {
  Counted::reset();
  auto spawned = spawn(reactor, []() -> Task<std::unique_ptr<int>> {
    const Counted local;
    co_await Pause(1s);
    co_return std::make_unique<int>(5);
  });
  settle();

  time.advance(1s);

  CHECK(Counted::live == 0);
  CHECK(*outcome_of(std::move(spawned)).value() == 5);
}

TEST_CASE_FIXTURE(Loop, "a Waiter keeps its wait open when no handle of the task is left") {
  Later<int> later;
  int got = 0;
  spawn(reactor, [&]() -> Task<> { got = co_await later; }).detach();
  settle();
  REQUIRE(reactor.task_count() == 1);

  later.waiter().resume(5);
  settle();

  CHECK(got == 5);
  CHECK(reactor.task_count() == 0);
}

TEST_CASE_FIXTURE(Loop, "a Waiter does not keep its microthread from being closed") {
  Counted::reset();
  Later<int> later;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    const Counted local;
    co_await later;
  });
  settle();
  const Waiter<int> kept = later.waiter();

  spawned.task().close();

  CHECK(Counted::live == 0);
  CHECK_FALSE(kept.pending());
  CHECK_FALSE(kept.resume(1));
}

TEST_CASE_FIXTURE(Loop, "a callback that has the task's own handle can throw into its wait") {
  std::function<void()> callback;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    Reply<void> never;
    const auto unused = never.send();
    TaskRef self = co_await current_task;
    callback = [self]() mutable { self.throw_(Oops("from the callback")); };
    co_await never;
  });
  settle();

  callback();
  settle();

  CHECK(outcome_of(std::move(spawned)).check<Oops>());
}

TEST_CASE_FIXTURE(Loop, "a callback that has the task's own handle can close it, once") {
  Counted::reset();
  std::function<bool()> callback;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    const Counted local;
    TaskRef self = co_await current_task;
    callback = [self]() mutable {
      const bool was_live = !self.done();
      self.close();
      return was_live;
    };
    co_await Pause(1h);
  });
  settle();

  CHECK(callback());
  CHECK(Counted::live == 0);
  CHECK_FALSE(callback());
}

}  // namespace
