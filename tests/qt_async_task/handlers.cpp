// SPDX-License-Identifier: MIT
//
// Handlers as one would write them for a click, for every kind of result and of error. This is how
// to test coroutines that wait for threads: in virtual time, and a ManualPool's threads run when
// the test says so.
#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "deferred/results/errors.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/testing/manual_pool.hpp"
#include "deferred/threads/defer_to_thread.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace std::chrono_literals;
using deferred::testing::Loop;
using deferred::testing::ManualPool;

namespace {

using Texts = std::vector<std::string>;

/// Runs a handler and its threads until both have ended.
struct Handlers : Loop {
  template <class F>
  auto run(F handler) {
    auto spawned = spawn(reactor, std::move(handler));
    do {
      time.run_until_idle();
    } while (pool.run_one());
    return outcome_of(std::move(spawned));
  }

  ManualPool pool;
};

TEST_CASE_FIXTURE(Handlers, "0, false, an empty string and a null pointer do arrive") {
  const auto handler = [this]() -> Task<Texts> {
    Texts got;
    const int zero = co_await in_thread(pool, [] { return 0; });
    got.push_back(zero == 0 ? "0" : "?");
    const bool no = co_await in_thread(pool, [] { return false; });
    got.push_back(!no ? "false" : "?");
    const std::string empty = co_await in_thread(pool, [] { return std::string(); });
    got.push_back(empty.empty() ? "empty" : "?");
    const std::unique_ptr<int> null =
        co_await in_thread(pool, [] { return std::unique_ptr<int>(); });
    got.push_back(!null ? "null" : "?");
    const Texts none = co_await in_thread(pool, [] { return Texts(); });
    got.push_back(none.empty() ? "no lines" : "?");
    co_return got;
  };

  CHECK(run(handler).value() == Texts{"0", "false", "empty", "null", "no lines"});
}

TEST_CASE_FIXTURE(Handlers,
                  "an exception object that is returned is a value; a thrown one is thrown") {
  const auto handler = [this]() -> Task<Texts> {
    Texts got;
    try {
      const std::out_of_range value =
          co_await in_thread(pool, [] { return std::out_of_range("returned"); });
      got.push_back(std::string("value: ") + value.what());
      co_await in_thread(pool, [] { throw std::out_of_range("thrown"); });
      got.push_back("not reached");
    } catch (const std::out_of_range& error) {
      got.push_back(std::string("caught: ") + error.what());
    }
    co_return got;
  };

  CHECK(run(handler).value() == Texts{"value: returned", "caught: thrown"});
}

TEST_CASE_FIXTURE(Handlers, "a task that has ended before it is awaited gives its result at once") {
  int calls = 0;
  const auto handler = [this, &calls]() -> Task<int> {
    Deferred<int> task = defer_to_thread(reactor, pool, [&calls] { return ++calls; });
    pool.run_one();
    co_await Pause{1h};
    CHECK(calls == 1);
    CHECK(task.has_result());
    co_return co_await std::move(task);
  };

  CHECK(run(handler).value() == 1);
}

TEST_CASE_FIXTURE(Handlers, "of several that were started first, each await throws its own error") {
  const auto handler = [this]() -> Task<Texts> {
    const auto fail = [](const char* text) -> int { throw std::runtime_error(text); };
    std::vector<Deferred<int>> tasks;
    tasks.push_back(defer_to_thread(reactor, pool, fail, "first"));
    tasks.push_back(defer_to_thread(reactor, pool, [] { return 7; }));
    tasks.push_back(defer_to_thread(reactor, pool, fail, "third"));
    CHECK(pool.queued() == 3);
    Texts got;
    for (Deferred<int>& task : tasks) {
      try {
        const int value = co_await std::move(task);
        got.push_back(std::to_string(value));
      } catch (const std::runtime_error& error) {
        got.push_back(error.what());
      }
    }
    co_return got;
  };

  CHECK(run(handler).value() == Texts{"first", "7", "third"});
}

TEST_CASE_FIXTURE(Handlers, "awaits one after the other, in a loop, and of subtasks, go on") {
  const auto squares_up_to = [this](int last) -> Task<int> {
    int sum = 0;
    for (int i = 1; i <= last; ++i) sum += co_await in_thread(pool, [](int x) { return x * x; }, i);
    co_return sum;
  };
  const auto handler = [&]() -> Task<int> {
    const int three = co_await squares_up_to(3);
    const int four = co_await squares_up_to(4);
    co_return three + four;
  };

  CHECK(run(handler).value() == 14 + 30);
}

TEST_CASE_FIXTURE(Handlers, "a task in a thread is started at once, and given to the pool once") {
  int calls = 0;
  const auto handler = [&]() -> Task<> {
    Deferred<int> task = defer_to_thread(reactor, pool, [&calls] { return ++calls; });
    CHECK(pool.queued() == 1);
    CHECK(calls == 0);
    const int value = co_await std::move(task);
    CHECK(value == 1);
  };

  run(handler).value();

  CHECK(calls == 1);
}

TEST_CASE_FIXTURE(Handlers, "a handler goes on in the reactor's turn, not in the worker's event") {
  bool on = false;
  const auto handler = [&]() -> Task<> {
    co_await in_thread(pool, [] {});
    on = true;
  };
  const auto spawned = spawn(reactor, handler);
  settle();

  pool.run_one();
  CHECK_FALSE(on);
  settle();

  CHECK(on);
}

TEST_CASE_FIXTURE(Handlers, "a handler's result can be awaited by another, its error too") {
  const auto handler = [this](int number) -> Task<int> {
    const auto check = [](int n) { return n > 0 ? n : throw std::range_error("too small"); };
    co_return co_await in_thread(pool, check, number);
  };
  const auto other = [&]() -> Task<Texts> {
    Texts got;
    const int value = co_await spawn(handler, 5);
    got.push_back(std::to_string(value));
    try {
      co_await spawn(handler, 0);
    } catch (const std::range_error& error) {
      got.emplace_back(error.what());
    }
    co_return got;
  };

  CHECK(run(other).value() == Texts{"5", "too small"});
}

TEST_CASE_FIXTURE(Handlers, "an error keeps its trace through each handler that awaited another") {
  const auto inner = [this]() -> Task<int> {
    const auto fail = []() -> int { throw std::runtime_error("deep"); };
    co_return co_await in_thread(pool, fail);
  };
  const auto middle = [&]() -> Task<int> { co_return co_await inner(); };
  const auto outer = [&]() -> Task<int> { co_return co_await middle(); };

  const std::string report = run(outer).failure().report();

  CHECK(report.starts_with("std::runtime_error: deep\n"));
  std::size_t awaits = 0;
  for (auto at = report.find("awaited at"); at != std::string::npos;
       at = report.find("awaited at", at + 1)) {
    ++awaits;
  }
  CHECK(awaits == 3);
}

TEST_CASE_FIXTURE(Handlers, "with callbacks an error goes to the errback, a callback's own too") {
  Texts got;
  const auto note = [&got](const Failure& failure) { got.push_back(failure.what()); };
  const auto fail = []() -> int { throw std::runtime_error("in the thread"); };
  const auto shows_badly = [](int) { throw std::logic_error("in the callback"); };
  defer_to_thread(reactor, pool, fail).add_callback([](int) {}).add_errback(note).detach();
  defer_to_thread(reactor, pool, [] { return 1; })
      .add_callback(shows_badly)
      .add_errback(note)
      .detach();

  pool.run_all();
  settle();

  CHECK(got == Texts{"in the thread", "in the callback"});
}

TEST_CASE_FIXTURE(Handlers, "a handler that awaits nothing is none the worse") {
  const auto handler = []() -> Task<int> { co_return 0; };

  CHECK(run(handler).value() == 0);
}

TEST_CASE_FIXTURE(Handlers, "a failure that no handler catches is reported, and the loop goes on") {
  const auto handler = [this]() -> Task<> {
    co_await in_thread(pool, [] { throw std::runtime_error("nobody looks"); });
  };
  spawn(reactor, handler);
  settle();

  pool.run_one();
  settle();

  CHECK(unhandled.take() == Texts{"nobody looks"});
  CHECK(run([]() -> Task<int> { co_return 1; }).value() == 1);
}

}  // namespace
