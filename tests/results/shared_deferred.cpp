// SPDX-License-Identifier: MIT
#include "deferred/results/shared_deferred.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/counted.hpp"
#include "tests/support/unhandled.hpp"

using namespace deferred;
using deferred::testing::Counted;
using deferred::testing::Unhandled;

TEST_CASE_FIXTURE(Unhandled,
                  "every reader of a SharedDeferred gets the value, in the order they came") {
  std::vector<std::string> seen;
  auto [promise, deferred] = make_deferred<std::string>();
  const auto shared = std::move(deferred).share();
  const auto copy = shared;
  auto first = shared.add_callback([&](const std::string& s) { seen.push_back("1 " + s); });
  auto second = copy.add_callback([&](std::string s) { seen.push_back("2 " + s); });

  promise.callback("hello");

  CHECK(seen == std::vector<std::string>{"1 hello", "2 hello"});
}

TEST_CASE_FIXTURE(Unhandled, "a reader that comes after the fire is called at once") {
  const auto shared = succeed(5).share();

  auto rest = shared.add_callback([](const int& i) { return i + 1; });

  CHECK(shared.has_result());
  CHECK(std::move(rest).result().value() == 6);
}

TEST_CASE_FIXTURE(Unhandled,
                  "readers share one value, without a copy, and it lives as long as they read") {
  Counted::reset();
  Deferred<const Counted*> first;
  Deferred<const Counted*> second;
  {
    auto [promise, deferred] = make_deferred<Counted>();
    const auto shared = std::move(deferred).share();
    first = shared.add_callback([](const Counted& c) { return &c; });
    second = shared.add_callback([](const Counted& c) { return &c; });
    promise.callback(Counted(5));
    CHECK(shared.outcome()->value().value == 5);
  }

  CHECK(std::move(first).result().value() == std::move(second).result().value());
  CHECK(Counted::copies == 0);
  CHECK(Counted::live == 0);
}

TEST_CASE_FIXTURE(Unhandled, "a value that cannot be copied can be shared") {
  const auto shared = succeed(std::make_unique<int>(5)).share();

  auto rest = shared.add_callback([](const std::unique_ptr<int>& p) { return *p; });

  CHECK(std::move(rest).result().value() == 5);
}

TEST_CASE_FIXTURE(Unhandled,
                  "a shared result without a value calls its readers without an argument") {
  int calls = 0;
  auto [promise, deferred] = make_deferred<void>();
  const auto shared = std::move(deferred).share();
  auto first = shared.add_callback([&] { ++calls; });
  auto second = shared.add_callback([&] { ++calls; });

  promise.callback();

  CHECK(calls == 2);
}

TEST_CASE_FIXTURE(Unhandled, "a failure goes to every reader") {
  auto [promise, deferred] = make_deferred<int>();
  const auto shared = std::move(deferred).share();
  auto typed =
      shared.add_callbacks([](int) { return 0; }, [](const std::runtime_error&) { return 1; });
  auto both = shared.add_both([](const Outcome<int>& o) { return o.has_value() ? 0 : 2; });
  bool trapped = false;
  shared.add_errback([&](const std::exception&) { trapped = true; }).detach();

  promise.errback(std::runtime_error("no"));

  CHECK(std::move(typed).result().value() == 1);
  CHECK(std::move(both).result().value() == 2);
  CHECK(trapped);
}

TEST_CASE_FIXTURE(Unhandled, "a failure that readers left unhandled is reported once") {
  auto [promise, deferred] = make_deferred<int>();
  {
    const auto shared = std::move(deferred).share();
    shared.add_callback([](int) {}).detach();
    shared.add_callback([](int) {}).detach();
  }

  promise.errback(std::runtime_error("no"));

  CHECK(take() == std::vector<std::string>{"no"});
}

TEST_CASE_FIXTURE(Unhandled, "a failure that never had a reader is reported with the last handle") {
  {
    auto [promise, deferred] = make_deferred<int>();
    const auto shared = std::move(deferred).share();
    promise.errback(std::runtime_error("no"));
    CHECK(take().empty());
  }

  CHECK(take() == std::vector<std::string>{"no"});
}

TEST_CASE_FIXTURE(Unhandled, "a failure that every reader handled is not reported") {
  auto [promise, deferred] = make_deferred<int>();
  const auto shared = std::move(deferred).share();
  shared.add_errback([](const Failure&) {}).detach();

  promise.errback(std::runtime_error("no"));

  CHECK(take().empty());
}

TEST_CASE_FIXTURE(Unhandled, "cancelling a SharedDeferred cancels the operation for all readers") {
  int calls = 0;
  auto [promise, deferred] = make_deferred<int>([&] { ++calls; });
  const auto shared = std::move(deferred).share();
  auto first = shared.done();
  auto second = shared.done();

  shared.cancel();

  CHECK(calls == 1);
  CHECK(std::move(first).result().check<Cancelled>());
  CHECK(std::move(second).result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Unhandled, "cancelling one reader ends that reader's wait only") {
  int calls = 0;
  auto [promise, deferred] = make_deferred<int>([&] { ++calls; });
  const auto shared = std::move(deferred).share();
  auto first = shared.add_callback([](int i) { return i; });
  auto second = shared.add_callback([](int i) { return i; });

  first.cancel();
  promise.callback(5);

  CHECK(calls == 0);
  CHECK(std::move(first).result().check<Cancelled>());
  CHECK(std::move(second).result().value() == 5);
}

TEST_CASE_FIXTURE(Unhandled, "dropping every handle lets the operation and its readers go on") {
  int seen = 0;
  int calls = 0;
  auto [promise, deferred] = make_deferred<int>([&] { ++calls; });
  {
    const auto shared = std::move(deferred).share();
    shared.add_callback([&](int i) { seen = i; }).detach();
  }

  promise.callback(5);

  CHECK(seen == 5);
  CHECK(calls == 0);
}

TEST_CASE_FIXTURE(Unhandled, "a reader may add a reader, which is called at once") {
  std::vector<int> ran;
  auto [promise, deferred] = make_deferred<int>();
  const auto shared = std::move(deferred).share();
  shared
      .add_callback([&](int) {
        shared.add_callback([&](int) { ran.push_back(1); }).detach();
        ran.push_back(2);
      })
      .detach();

  promise.callback(5);

  CHECK(ran == std::vector{1, 2});
}

TEST_CASE_FIXTURE(Unhandled, "an abandoned operation fails for every reader") {
  auto [promise, deferred] = make_deferred<int>();
  const auto shared = std::move(deferred).share();
  auto reader = shared.done();

  {
    const Promise<int> gone = std::move(promise);
  }

  CHECK(std::move(reader).result().check<AbandonedError>());
}

// It read a result that was not there yet.
TEST_CASE_FIXTURE(Unhandled, "a reader of either side that is cancelled sees Cancelled") {
  auto [promise, deferred] = make_deferred<int>();
  const SharedDeferred<int> shared = std::move(deferred).share();
  bool cancelled = false;
  Deferred<void> reader = shared.add_both(
      [&](const Outcome<int>& outcome) { cancelled = outcome.check<Cancelled>() != nullptr; });

  reader.cancel();

  CHECK(cancelled);
  promise.callback(1);
}
