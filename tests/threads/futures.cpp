// SPDX-License-Identifier: MIT
//
// Deferreds as std::futures, and the other way. ("row" is the number of the behaviour in Twisted's
// checklist.)
#include "deferred/threads/futures.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "deferred/threads/thread_pool.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/support/counted.hpp"
#include "tests/support/driven.hpp"
#include "tests/support/manual.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

bool ready(const auto& future) { return future.wait_for(0s) == std::future_status::ready; }

TEST_CASE_FIXTURE(Unhandled, "row 88: a future is ready when its Deferred fires, with its value") {
  auto [promise, deferred] = make_deferred<std::string>();
  std::future<std::string> future = to_future(std::move(deferred));
  CHECK_FALSE(ready(future));

  promise.callback("hello");

  REQUIRE(ready(future));
  CHECK(future.get() == "hello");
}

TEST_CASE_FIXTURE(Unhandled, "row 88: a future throws what its Deferred fails with, as it is") {
  std::future<int> oops = to_future(fail<int>(Oops()));
  std::future<int> cancelled = to_future(fail<int>(Cancelled()));
  std::future<void> abandoned = to_future(make_deferred<void>().second);

  CHECK_THROWS_AS(oops.get(), Oops);
  CHECK_THROWS_AS(cancelled.get(), Cancelled);
  CHECK_THROWS_AS(abandoned.get(), AbandonedError);
}

TEST_CASE_FIXTURE(Unhandled, "row 88: the Deferred is taken") {
  Deferred<int> deferred = succeed(1);

  std::future<int> future = to_future(std::move(deferred));

  CHECK_FALSE(deferred.valid());
  CHECK(future.get() == 1);
}

TEST_CASE_FIXTURE(Unhandled, "a future is of nothing, or of what can only be moved") {
  to_future(succeed()).get();
  CHECK(*to_future(succeed(std::make_unique<int>(7))).get() == 7);
}

TEST_CASE_FIXTURE(Unhandled, "a value whose move throws is thrown by the future") {
  auto [promise, deferred] = make_deferred<ThrowsOnMove>();
  std::future<ThrowsOnMove> future = to_future(std::move(deferred));

  ThrowsOnMove::throwing = true;
  promise.callback(1);
  ThrowsOnMove::throwing = false;

  CHECK_THROWS_AS(future.get(), std::runtime_error);
}

TEST_CASE_FIXTURE(Unhandled,
                  "row 89: a future that is dropped tells nobody: the operation goes on") {
  int cancels = 0;
  auto [promise, deferred] = make_deferred<int>([&] { ++cancels; });
  {
    const std::future<int> dropped = to_future(std::move(deferred));
  }

  CHECK(cancels == 0);
  CHECK_FALSE(promise.fired());
  promise.errback(Oops());
}

TEST_CASE_FIXTURE(Loop,
                  "row 89: a spawned task is cancelled by its own handle, which the future shows") {
  Spawned<void> spawned = spawn(reactor, Pause{1h});
  TaskRef task = spawned.task();
  std::future<void> future = to_future(std::move(spawned));
  settle();

  task.cancel();
  settle();

  REQUIRE(ready(future));
  CHECK_THROWS_AS(future.get(), Cancelled);
}

TEST_CASE_FIXTURE(Manual, "row 90: a Deferred fires with what a future gives, in a turn") {
  std::promise<std::string> promise;
  Deferred<std::string> deferred = from_future(reactor, pool, promise.get_future());
  CHECK(pool.queued() == 1);
  promise.set_value("hello");

  pool.run_all();
  CHECK_FALSE(deferred.fired());
  settle();

  CHECK(std::move(deferred).result().value() == "hello");
}

TEST_CASE_FIXTURE(Manual, "row 90: a Deferred fails with what a future throws") {
  std::promise<int> promise;
  std::optional<std::promise<int>> broken(std::in_place);
  Deferred<int> failed = from_future(pool, promise.get_future());
  Deferred<int> of_broken = from_future(pool, broken->get_future());
  promise.set_exception(std::make_exception_ptr(Oops()));
  broken.reset();

  run_all();

  CHECK(std::move(failed).result().check<Oops>());
  const Outcome<int> outcome = std::move(of_broken).result();
  REQUIRE(outcome.check<std::future_error>());
  CHECK(outcome.check<std::future_error>()->code() == std::future_errc::broken_promise);
}

TEST_CASE_FIXTURE(Manual, "a Deferred is of a future of nothing, or of what can only be moved") {
  std::promise<void> nothing;
  std::promise<std::unique_ptr<int>> moved;
  Deferred<void> first = from_future(reactor, pool, nothing.get_future());
  Deferred<std::unique_ptr<int>> second = from_future(reactor, pool, moved.get_future());
  nothing.set_value();
  moved.set_value(std::make_unique<int>(7));

  run_all();

  CHECK(std::move(first).result().has_value());
  CHECK(*std::move(second).result().value() == 7);
}

TEST_CASE_FIXTURE(Manual, "row 91: cancel() before a thread waits for the future drops it") {
  std::promise<int> promise;
  Deferred<int> deferred = from_future(reactor, pool, promise.get_future());
  settle();

  deferred.cancel();
  settle();

  CHECK(pool.queued() == 0);
  CHECK(std::move(deferred).result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Loop, "row 91: cancel() while a thread waits for the future gives its outcome") {
  // Its job is run by the test, in which the future is not ready yet.
  struct Pausing final : Pool {
    void submit(Job& job) override { begun = &job; }
    bool withdraw(Job&) noexcept override { return false; }
    Job* begun = nullptr;
  } pool;
  std::promise<int> promise;
  Deferred<int> deferred = from_future(reactor, pool, promise.get_future());
  settle();

  deferred.cancel();
  settle();
  CHECK_FALSE(deferred.fired());
  promise.set_value(7);
  pool.begun->run();
  settle();

  CHECK(std::move(deferred).result().value() == 7);
}

TEST_CASE_FIXTURE(Manual, "a future that waits for nothing is refused") {
  std::promise<int> promise;
  std::future<int> taken = promise.get_future();
  promise.set_value(1);
  taken.get();

  CHECK_THROWS_AS(from_future(reactor, pool, std::move(taken)).detach(), std::invalid_argument);
  CHECK_THROWS_AS(from_future(reactor, pool, std::future<void>()).detach(), std::invalid_argument);
  CHECK(pool.queued() == 0);
}

TEST_CASE_FIXTURE(OnPoll, "a future and a Deferred of two threads meet") {
  ThreadPool pool(1);
  std::promise<int> asked;
  std::future<int> question = asked.get_future();
  std::promise<int> answered;
  Deferred<int> answer = from_future(reactor, pool, answered.get_future());
  std::thread other([&] { answered.set_value(question.get() + 1); });

  auto [promise, deferred] = make_deferred<int>();
  std::future<int> future = to_future(std::move(deferred));
  std::thread forwards([&] { asked.set_value(future.get() * 2); });
  promise.callback(3);

  CHECK(reactor.run_until(std::move(answer)) == 7);
  other.join();
  forwards.join();
}

}  // namespace
