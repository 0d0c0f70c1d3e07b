// SPDX-License-Identifier: MIT
//
// Functions in threads, as Deferreds. Runs under ThreadSanitizer too.
#include "deferred/threads/defer_to_thread.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "deferred/testing/manual_pool.hpp"
#include "deferred/threads/thread_pool.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/support/driven.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

struct Manual : Loop {
  ManualPool pool;
};

int twice(int x) { return 2 * x; }

TEST_CASE_FIXTURE(Manual, "the call is with its pool at once, and fires when the reactor turns") {
  Deferred<int> result = defer_to_thread(reactor, pool, twice, 4);
  CHECK(pool.queued() == 1);
  pool.run_one();
  CHECK_FALSE(result.fired());

  settle();

  CHECK(std::move(result).result().value() == 8);
}

TEST_CASE_FIXTURE(Manual, "several calls are under way before the first is waited for") {
  std::vector<int> got;
  spawn(reactor, [&]() -> Task<> {
    Deferred<int> one = defer_to_thread(reactor, pool, twice, 1);
    Deferred<int> two = defer_to_thread(reactor, pool, twice, 2);
    CHECK(pool.queued() == 2);
    got.push_back(co_await std::move(two));
    got.push_back(co_await std::move(one));
  });
  settle();

  pool.run_all();
  settle();

  CHECK(got == std::vector{4, 2});
}

TEST_CASE_FIXTURE(Manual, "a call that has ended before it is awaited gives its value") {
  Deferred<int> result = defer_to_thread(reactor, pool, twice, 1);
  pool.run_all();
  settle();

  const auto outcome = outcome_of([&]() -> Task<int> {
    co_await Pause(1s);
    co_return co_await std::move(result);
  });

  CHECK(outcome.value() == 2);
}

TEST_CASE_FIXTURE(Manual, "an error meets a typed errback") {
  std::string caught;
  Deferred<void> result =
      defer_to_thread(reactor, pool, [] {
        throw std::out_of_range("far");
      }).add_errback([&](const std::out_of_range& error) { caught = error.what(); });

  pool.run_all();
  settle();

  CHECK(caught == "far");
  CHECK(std::move(result).result().has_value());
}

TEST_CASE_FIXTURE(Manual, "an error that nobody handles is reported") {
  defer_to_thread(reactor, pool, [] { throw std::runtime_error("alone"); }).detach();

  pool.run_all();
  settle();

  CHECK(unhandled.take() == std::vector<std::string>{"alone"});
}

TEST_CASE_FIXTURE(Manual, "cancel() takes back a function that has not begun") {
  Deferred<int> result = defer_to_thread(reactor, pool, twice, 1);
  settle();

  result.cancel();
  settle();

  CHECK(pool.queued() == 0);
  CHECK(std::move(result).result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Manual, "cancel() before the reactor has turned takes back the function too") {
  Deferred<int> result = defer_to_thread(reactor, pool, twice, 1);

  result.cancel();
  settle();

  CHECK(pool.queued() == 0);
  CHECK(std::move(result).result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Manual, "cancel() of a function that runs gives its value") {
  std::optional<Deferred<int>> result;
  const auto busy = [&] {
    result->cancel();
    settle();
    CHECK_FALSE(result->fired());
    return 3;
  };
  result = defer_to_thread(reactor, pool, busy);
  settle();

  pool.run_all();
  settle();

  CHECK((*std::move(result)).result().value() == 3);
}

TEST_CASE_FIXTURE(Manual, "cancel() abandons a function that runs, if it may") {
  std::optional<Deferred<int>> result;
  const auto busy = [&] {
    result->cancel();
    settle();
    CHECK(result->fired());
    return 3;
  };
  result = defer_to_thread(reactor, in_thread(pool, busy).abandon_on_cancel());
  settle();

  pool.run_all();
  settle();

  CHECK((*std::move(result)).result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Manual, "what the pool throws is thrown to the caller") {
  struct Full final : Pool {
    void submit(Job&) override { throw Oops("full"); }
    bool withdraw(Job&) noexcept override { return false; }
  } full;

  CHECK_THROWS_AS(defer_to_thread(reactor, full, twice, 1).detach(), Oops);
}

TEST_CASE("reactor, Deferred and pool may end in any order") {
  const auto held = std::make_shared<int>();
  for (int order = 0; order < 6; ++order) {
    for (const bool ran : {false, true}) {
      CAPTURE(order);
      CAPTURE(ran);
      Unhandled unhandled;  // there when the loop's own is gone
      std::optional<ManualPool> pool{std::in_place};
      std::optional<Loop> loop{std::in_place};
      std::optional<Deferred<std::shared_ptr<int>>> result;
      result = defer_to_thread(loop->reactor, *pool, [held] { return held; });
      if (ran) pool->run_one();

      const int first = order / 2;
      const int second = (first + 1 + order % 2) % 3;
      for (const int which : {first, second, 3 - first - second}) {
        if (which == 0) pool.reset();
        if (which == 1) loop.reset();
        if (which == 2) result.reset();
        if (which == 0 && loop) loop->settle();
        if (loop) loop->unhandled.take();  // a Deferred that was dropped before the pool
      }

      CHECK(held.use_count() == 1);
      unhandled.take();
    }
  }
}

TEST_CASE_TEMPLATE("a function is called in a thread, and callbacks on the reactor's", On, OnPoll,
                   OnVirtualTime) {
  On on;
  ThreadPool pool(1);
  const auto here = [] { return std::this_thread::get_id(); };
  std::thread::id callback;
  auto thread = defer_to_thread(on.reactor, pool, here).add_callback([&](std::thread::id there) {
    callback = here();
    return there;
  });

  const std::thread::id function = on.reactor.run_until(std::move(thread));

  CHECK(function != here());
  CHECK(callback == here());
}

TEST_CASE_TEMPLATE("functions in threads answer a reactor that waits", On, OnPoll, OnVirtualTime) {
  On on;
  ThreadPool pool(2);
  for (int i = 0; i < 100; ++i) {
    CHECK(on.reactor.run_until(defer_to_thread(on.reactor, pool, twice, i)) == 2 * i);
  }
}

TEST_CASE_FIXTURE(OnPoll, "the default pool serves who names none") {
  CHECK(reactor.run_until(defer_to_thread(reactor, twice, 4)) == 8);
}

}  // namespace
