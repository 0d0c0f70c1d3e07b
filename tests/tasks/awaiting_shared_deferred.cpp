// SPDX-License-Identifier: MIT
// Awaiting a result that is shared.
#include "deferred/tasks/spawn.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "deferred/yieldables/as_outcome.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace std::chrono_literals;
using deferred::testing::Loop;

TEST_CASE_FIXTURE(Loop, "all who await a shared Deferred read the same object") {
  auto [promise, deferred] = make_deferred<std::unique_ptr<int>>();
  const SharedDeferred<std::unique_ptr<int>> shared = std::move(deferred).share();
  const auto reader = [shared]() -> Task<const int*> {
    const std::unique_ptr<int>& read = co_await shared;
    co_return read.get();
  };
  auto first = spawn(reactor, reader);
  auto second = spawn(reactor, reader);
  settle();
  REQUIRE(!first.done());

  promise.callback(std::make_unique<int>(5));
  settle();

  const int* const seen = outcome_of(std::move(first)).value();
  CHECK(*seen == 5);
  CHECK(outcome_of(std::move(second)).value() == seen);
}

TEST_CASE_FIXTURE(
    Loop,
    "a shared Deferred that has its result is awaited again and again, without a suspension") {
  const SharedDeferred<int> shared = succeed(7).share();
  auto reader = spawn(reactor, [shared]() -> Task<int> {
    const int once = co_await shared;
    const int again = co_await shared;
    co_return once + again;
  });

  time.run_once(false);

  CHECK(outcome_of(std::move(reader)).value() == 14);
}

TEST_CASE_FIXTURE(Loop, "the failure of a shared Deferred is thrown at each await") {
  const SharedDeferred<void> shared = fail<void>(std::string("no")).share();
  const auto reader = [shared]() -> Task<std::string> {
    try {
      co_await shared;
    } catch (const std::string& error) {
      co_return error;
    }
    co_return "nothing";
  };

  CHECK(outcome_of(reader()).value() == "no");
  CHECK(outcome_of(reader()).value() == "no");
}

TEST_CASE_FIXTURE(Loop, "a reader that is cancelled leaves the operation and the others alone") {
  bool operation_cancelled = false;
  auto [promise, deferred] = make_deferred<int>([&] { operation_cancelled = true; });
  const SharedDeferred<int> shared = std::move(deferred).share();
  const auto reader = [shared]() -> Task<int> { co_return co_await shared; };
  auto leaving = spawn(reactor, reader);
  auto staying = spawn(reactor, reader);
  settle();

  leaving.task().cancel();
  settle();
  CHECK(!operation_cancelled);
  promise.callback(3);
  settle();

  CHECK(outcome_of(std::move(leaving)).check<Cancelled>());
  CHECK(outcome_of(std::move(staying)).value() == 3);
}

// Each saw the places that the other had passed.
TEST_CASE_FIXTURE(Loop, "each reader's error shows where it was made and that reader's own way") {
  auto [promise, deferred] = make_deferred<int>();
  const SharedDeferred<int> shared = std::move(deferred).share();
  std::vector<std::string> reports;
  const auto reader = [&]() -> Task<> {
    for (int i = 0; i < 2; ++i) {
      try {
        co_await shared;
      } catch (...) {
        reports.push_back(Failure::current().report());
      }
    }
  };
  auto one = spawn(reactor, reader);
  auto two = spawn(reactor, reader);
  settle();

  promise.errback(std::runtime_error("no route"));
  settle();

  REQUIRE(reports.size() == 4);
  for (const std::string& report : reports) {
    CHECK(report == reports[0]);
    CHECK(report.find("awaited at") == report.rfind("awaited at"));
    CHECK(report.find("made at") != std::string::npos);
  }
}
