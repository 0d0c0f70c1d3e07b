// SPDX-License-Identifier: MIT
#include "deferred/results/shared_deferred.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/counted.hpp"
#include "tests/support/unhandled.hpp"

using namespace deferred;
using deferred::testing::Counted;
using deferred::testing::Unhandled;

namespace {

// Moves so many times, and then throws.
struct MoveThrows {
  MoveThrows(int v) : value(v) {}
  MoveThrows(MoveThrows&& other) : value(other.value) {
    if (--good < 0) throw std::runtime_error("move failed");
  }
  int value;
  inline static int good = 1000;
};

}  // namespace

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

// Each reader that had gone was kept until the result came.
TEST_CASE_FIXTURE(Unhandled, "a reader that is cancelled, or dropped, leaves nothing behind") {
  auto [promise, deferred] = make_deferred<int>();
  const SharedDeferred<int> shared = std::move(deferred).share();
  const auto callback_of = [&shared](const Counted& counted) {
    return shared.add_callback([counted](int) {});
  };
  Counted::reset();
  const Counted counted;

  for (int i = 0; i < 1000; ++i) {
    auto reader = callback_of(counted);
    reader.cancel();
    reader = Deferred<void>();
    CHECK(Counted::live == 1);
    const Deferred<void> dropped = shared.done();
  }

  promise.callback(1);
}

TEST_CASE_FIXTURE(Unhandled, "a reader's callback may cancel readers that have not been called") {
  auto [promise, deferred] = make_deferred<int>();
  const SharedDeferred<int> shared = std::move(deferred).share();
  std::vector<std::string> seen;
  Deferred<void> second;
  shared
      .add_callback([&](int) {
        seen.push_back("first");
        second.cancel();
      })
      .detach();
  second = shared.add_both(
      [&](const Outcome<int>& outcome) { seen.push_back(outcome ? "value" : "cancelled"); });
  shared.add_callback([&](int) { seen.push_back("third"); }).detach();

  promise.callback(1);

  CHECK(seen == std::vector<std::string>{"first", "cancelled", "third"});
}

// Each saw the places that the others had passed.
TEST_CASE_FIXTURE(Unhandled,
                  "each reader's report shows where the error was made and its own way") {
  auto [promise, deferred] = make_deferred<int>();
  const SharedDeferred<int> shared = std::move(deferred).share();
  std::vector<std::string> reports;
  const auto read = [&] {
    auto [start, outer] = make_deferred<void>();
    auto rest =
        std::move(outer)
            .add_callback([&] { return shared.add_callback([](int) {}); })
            .add_errback([&](const Failure& failure) { reports.push_back(failure.report()); });
    start.callback();
    return rest;
  };
  auto one = read();
  auto two = read();

  promise.errback(std::runtime_error("no"));

  REQUIRE(reports.size() == 2);
  CHECK(reports[0] == reports[1]);
  CHECK(reports[0].find("passed the chain at") == reports[0].rfind("passed the chain at"));
}

// Hung: the exception was taken for the reader's.
TEST_CASE_FIXTURE(Unhandled, "a result whose move throws ends as that error for every reader") {
  for (int good = 0; good < 4; ++good) {
    CAPTURE(good);
    auto [promise, deferred] = make_deferred<MoveThrows>();
    const SharedDeferred<MoveThrows> shared = std::move(deferred).share();
    int values = 0;
    int errors = 0;
    for (int reader = 0; reader < 3; ++reader) {
      shared
          .add_callbacks([&](const MoveThrows&) { ++values; },
                         [&](const std::runtime_error&) { ++errors; })
          .detach();
    }
    MoveThrows::good = good;

    try {
      promise.callback(5);
    } catch (const std::runtime_error&) {
      promise.errback_current();  // the value could not be made: nothing was fired
    }

    CHECK(values + errors == 3);
    CHECK((values == 0 || errors == 0));
    CHECK(shared.has_result());
  }
  MoveThrows::good = 1000;
}

TEST_CASE_FIXTURE(Unhandled, "a failure whose readers have all gone before is reported") {
  auto [promise, deferred] = make_deferred<int>();
  std::optional<SharedDeferred<int>> shared = std::move(deferred).share();
  auto reader = shared->add_errback([](const Failure&) {});
  reader.cancel();

  SUBCASE("cancelled") {}
  SUBCASE("dropped, more of them than are kept") {
    for (int i = 0; i < 1000; ++i) const Deferred<void> dropped = shared->done();
  }
  promise.errback(std::runtime_error("nobody's"));
  shared.reset();

  CHECK(take() == std::vector<std::string>{"nobody's"});
}

// A reader that was gone was looked at.
TEST_CASE_FIXTURE(Unhandled,
                  "what ends with a dropped reader may cancel others that were dropped") {
  auto [promise, deferred] = make_deferred<int>();
  const SharedDeferred<int> shared = std::move(deferred).share();
  Deferred<void> first = shared.done();
  auto second = std::make_shared<Deferred<void>>(shared.done().add_errback([](const Failure&) {}));
  bool ended = false;
  {
    struct CancelsAtEnd {
      explicit CancelsAtEnd(std::shared_ptr<Deferred<void>> of) : other(std::move(of)) {}
      CancelsAtEnd(CancelsAtEnd&&) = default;
      ~CancelsAtEnd() {
        if (other) other->cancel();
      }
      std::shared_ptr<Deferred<void>> other;
    };
    auto [last, dropped] =
        make_deferred<void>([cancels = CancelsAtEnd(std::exchange(second, nullptr)),
                             &ended]() mutable { ended = true; });
    std::move(first).chain(std::move(last));
    std::move(dropped).detach();
  }
  for (int i = 2; i < 64; ++i) const Deferred<void> dropped = shared.done();

  Deferred<void> reader = shared.done();  // looks for those that are gone
  promise.callback(1);

  CHECK(reader.has_result());
  CHECK(!ended);
}

TEST_CASE_FIXTURE(Unhandled, "a SharedDeferred that was moved from says so") {
  SharedDeferred<int> shared = succeed(1).share();
  const SharedDeferred<int> moved = std::move(shared);

  CHECK_THROWS_AS(static_cast<void>(shared.done()), std::logic_error);  // NOLINT: that is asked
  CHECK_THROWS_AS(shared.cancel(), std::logic_error);
  CHECK(!shared.has_result());
  CHECK(shared.outcome() == nullptr);
  CHECK(moved.has_result());
}
