// SPDX-License-Identifier: MIT
//
// Reactor::current(): which reactor is meant where none is named; and what uses it.
#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "deferred/reactor/add_timeout.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/results/errors.hpp"
#include "deferred/tasks/deferred_coroutine.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/threads/defer_to_thread.hpp"
#include "deferred/threads/thread_pool.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

Task<Reactor*> asked() { co_return &Reactor::current(); }

TEST_CASE("with no reactor on the thread there is no current one, and the error says what to do") {
  try {
    Reactor::current();
    FAIL("it gave one");
  } catch (const NoReactorError& error) {
    CHECK(std::string(error.what()).find("give the reactor") != std::string::npos);
  }
}

TEST_CASE_FIXTURE(Loop, "the thread's only reactor is the current one") {
  CHECK(&Reactor::current() == &reactor);
}

TEST_CASE_FIXTURE(Loop, "of two that do not run, none is the current one") {
  Reactor other;

  CHECK_THROWS_AS(Reactor::current(), NoReactorError);
}

TEST_CASE_FIXTURE(Loop, "in a callback it is the one whose turn it is, in a task the task's") {
  Reactor other;
  Reactor* in_callback = nullptr;
  reactor.post([&] { in_callback = &Reactor::current(); });
  auto spawned = spawn(reactor, asked());

  settle();

  CHECK(in_callback == &reactor);
  CHECK(*outcome_of(std::move(spawned)) == &reactor);
}

TEST_CASE_FIXTURE(Loop, "what a task spawns without naming a reactor runs on the task's") {
  Reactor other;
  const auto outcome = outcome_of([]() -> Task<bool> {
    Reactor* const mine = &Reactor::current();
    Spawned<Reactor*> task = spawn(asked());
    Spawned<Reactor*> called = spawn([](int) { return asked(); }, 1);
    spawn(Pause{1s});
    CHECK(task.task().id() != called.task().id());
    Reactor* const of_task = co_await std::move(task);
    Reactor* const of_called = co_await std::move(called);
    co_return of_task == mine&& of_called == mine;
  });

  CHECK(*outcome);
  CHECK(other.task_count() == 0);
}

TEST_CASE_FIXTURE(Loop, "a limit that a task sets without naming a reactor is the task's") {
  Reactor other;
  const auto outcome = outcome_of([]() -> Task<std::string> {
    auto [promise, late] = make_deferred<int>();
    auto [other_promise, later] = make_deferred<int>();
    Deferred<int> limited = add_timeout(std::move(late), 1s);
    Deferred<int> stood_in =
        add_timeout(std::move(later), 2s, [](Outcome<int>, Duration) { return 7; });
    std::string text = std::to_string(co_await std::move(stood_in));
    try {
      co_await std::move(limited);
    } catch (const TimeoutError& error) {
      text += error.what();
    }
    co_return text;
  });

  CHECK(outcome->find("7timed out after 1 s waiting on deferred::Deferred<int> at current.cpp:") ==
        0);
}

TEST_CASE("a call in a thread that a task makes without naming a reactor ends on the task's") {
  const Unhandled unhandled;
  Reactor reactor;
  Reactor other;
  ThreadPool pool(1);

  const int sum = reactor.run_until([](Pool& threads) -> Task<int> {
    Deferred<int> one = defer_to_thread(threads, [] { return 1; });
    Deferred<int> two = defer_to_thread([](int n) { return n; }, 2);
    Deferred<int> four = defer_to_thread(in_thread(threads, [] { return 4; }));
    co_return co_await std::move(one) + co_await std::move(two) + co_await std::move(four);
  }(pool));

  CHECK(sum == 7);
}

}  // namespace
