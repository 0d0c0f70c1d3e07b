// SPDX-License-Identifier: MIT
// Twisted's checklist, 1.4: a Deferred whose result fires another's Promise.
#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "deferred/results/deferred.hpp"
#include "tests/support/unhandled.hpp"

using namespace deferred;
using deferred::testing::Unhandled;

TEST_CASE_FIXTURE(Unhandled, "chain fires the next Promise with a value or a failure") {
  auto [good, value] = make_deferred<int>();
  auto [bad, failed] = make_deferred<int>();
  auto [next_good, next_value] = make_deferred<int>();
  auto [next_bad, next_failed] = make_deferred<int>();
  std::move(value).chain(std::move(next_good));
  std::move(failed).chain(std::move(next_bad));

  good.callback(5);
  bad.errback(std::runtime_error("no"));

  CHECK(std::move(next_value).result().value() == 5);
  CHECK(std::move(next_failed).result().check<std::runtime_error>());
}

TEST_CASE_FIXTURE(Unhandled, "chaining a fired Deferred fires the next at once") {
  auto [first, ready_next] = make_deferred<int>();
  auto [second, fired_next] = make_deferred<int>();
  auto [promise, fired] = make_deferred<int>();
  promise.callback(6);

  succeed(5).chain(std::move(first));
  std::move(fired).chain(std::move(second));

  CHECK(std::move(ready_next).result().value() == 5);
  CHECK(std::move(fired_next).result().value() == 6);
}

TEST_CASE_FIXTURE(Unhandled, "describe says what was chained to a Promise, until that has fired") {
  const SourceLocation first = SourceLocation::current();
  const SourceLocation second = SourceLocation::current();
  const std::string self = "Deferred<int> made at " + to_string(second);
  auto [promise, deferred] = make_deferred<int>(first);
  auto [next, rest] = make_deferred<int>(second);

  std::move(deferred).chain(std::move(next));

  CHECK(rest.describe() ==
        self + ", not fired, chained to the Deferred made at " + to_string(first));
  promise.callback(1);
  CHECK(rest.describe() == self + ", fired");
}

TEST_CASE_FIXTURE(Unhandled, "cancelling the next Deferred does not cancel the chained one") {
  bool cancelled = false;
  auto [promise, deferred] = make_deferred<int>([&] { cancelled = true; });
  auto [next, rest] = make_deferred<int>();
  std::move(deferred).chain(std::move(next));

  rest.cancel();
  CHECK(!cancelled);
  promise.callback(1);

  CHECK(std::move(rest).result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Unhandled,
                  "a failure that comes after the next was cancelled is its one late answer") {
  auto [promise, deferred] = make_deferred<int>();
  auto [next, rest] = make_deferred<int>();
  std::move(deferred).chain(std::move(next));
  rest.cancel();

  promise.errback(std::runtime_error("late"));

  CHECK(take().empty());
  CHECK(std::move(rest).result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Unhandled,
                  "a failure that comes after the next's canceller answered is reported") {
  auto [promise, deferred] = make_deferred<int>();
  auto [next, rest] = make_deferred<int>([] {});
  std::move(deferred).chain(std::move(next));
  rest.cancel();

  promise.errback(std::runtime_error("late"));

  CHECK(take() == std::vector<std::string>{"late"});
  CHECK(std::move(rest).result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Unhandled,
                  "chaining into a Promise that was fired throws AlreadyCalledError at once") {
  auto [promise, deferred] = make_deferred<int>();
  auto [next, rest] = make_deferred<int>();
  next.callback(1);

  CHECK_THROWS_AS(std::move(deferred).chain(std::move(next)), AlreadyCalledError);

  promise.callback(2);
  CHECK(std::move(deferred).result().value() == 2);  // NOLINT: chain() did not take it
  CHECK(std::move(rest).result().value() == 1);
}

TEST_CASE_FIXTURE(Unhandled, "chaining into a cancelled Promise drops the result") {
  auto [promise, deferred] = make_deferred<int>();
  auto [next, rest] = make_deferred<int>();
  rest.cancel();

  std::move(deferred).chain(std::move(next));
  promise.errback(std::runtime_error("late"));

  CHECK(std::move(rest).result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Unhandled, "chaining a Deferred to its own Promise is a CircularChainError") {
  auto [promise, deferred] = make_deferred<int>();
  auto rest = std::move(deferred).add_callback([](int n) { return n; });

  CHECK_THROWS_AS(std::move(rest).chain(std::move(promise)), CircularChainError);

  CHECK(std::move(rest).result().check<AbandonedError>());  // NOLINT: chain() did not take it
}

// Hung in silence: only what callbacks returned was looked at.
TEST_CASE_FIXTURE(Unhandled,
                  "Deferreds chained in a circle are a CircularChainError, at any length") {
  for (const int length : {2, 3, 1000}) {
    CAPTURE(length);
    auto [first, last] = make_deferred<int>();
    for (int i = 1; i < length; ++i) {
      auto [promise, next] = make_deferred<int>();
      std::move(last).chain(std::move(promise));
      last = std::move(next);
    }

    CHECK_THROWS_AS(std::move(last).chain(std::move(first)), CircularChainError);

    CHECK(std::move(last).result().check<AbandonedError>());  // NOLINT: chain() did not take it
  }
}

TEST_CASE_FIXTURE(Unhandled,
                  "a circle of chain() and of returned Deferreds is found from both sides") {
  for (const int hops : {1, 2, 50}) {
    CAPTURE(hops);
    auto [promise, outer] = make_deferred<int>();
    auto [last, inner] = make_deferred<int>();
    std::vector<std::string> ends;
    auto rest = std::move(outer)
                    .add_callback([&](int) { return std::move(inner); })
                    .add_errback([&](const CircularChainError&) {
                      ends.push_back("circle");
                      return 0;
                    });
    for (int i = 1; i < hops; ++i) {
      auto [next, after] = make_deferred<int>();
      std::move(rest).chain(std::move(next));
      rest = std::move(after);
    }
    std::move(rest).chain(std::move(last));

    promise.callback(1);

    CHECK(ends == std::vector<std::string>{"circle"});
  }

  auto [promise, outer] = make_deferred<int>();
  auto [last, inner] = make_deferred<int>();
  auto rest = std::move(outer).add_callback([&](int) { return std::move(inner); });
  promise.callback(1);

  CHECK_THROWS_AS(std::move(rest).chain(std::move(last)), CircularChainError);

  CHECK(std::move(rest).result().check<AbandonedError>());  // NOLINT: chain() did not take it
}
