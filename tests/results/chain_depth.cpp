// SPDX-License-Identifier: MIT
// Chains run in a loop: no shape that the library knows of grows the stack, at any optimisation.
#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "deferred/results/deferred.hpp"
#include "deferred/results/shared_deferred.hpp"
#include "tests/support/million.hpp"
#include "tests/support/unhandled.hpp"

using namespace deferred;
using deferred::testing::million;
using deferred::testing::Unhandled;

namespace {

// A million Deferreds, each waiting for the one before, the first for a Promise.
struct Tower {
  Tower() {
    auto [first, top] = make_deferred<int>();
    promise = std::move(first);
    for (int i = 0; i < million; ++i) {
      auto [start, outer] = make_deferred<void>();
      auto waiting = std::move(outer).add_callback(
          [inner = std::move(top)]() mutable { return std::move(inner); });
      start.callback();
      top = std::move(waiting);
    }
    deferred = std::move(top);
  }

  Promise<int> promise;
  Deferred<int> deferred;
};

// The next of a million Deferreds, each made by a callback of the one before.
struct Next {
  std::vector<Promise<int>>* promises;

  Deferred<int> operator()(int n) const {
    if (n == million) return succeed(int(n));
    auto [promise, deferred] = make_deferred<int>();
    promises->push_back(std::move(promise));
    return std::move(deferred).add_callback(*this);
  }
};

}  // namespace

TEST_CASE_FIXTURE(Unhandled, "a million callbacks on one Deferred use no stack") {
  auto [promise, deferred] = make_deferred<int>();
  for (int i = 0; i < million; ++i) {
    deferred = std::move(deferred).add_callback([](int n) { return n + 1; });
  }

  promise.callback(0);

  CHECK(std::move(deferred).result().value() == million);
}

TEST_CASE_FIXTURE(Unhandled, "a million callbacks whose Promise is dropped use no stack") {
  auto [promise, deferred] = make_deferred<int>();
  for (int i = 0; i < million; ++i) {
    deferred = std::move(deferred).add_callback([](int n) { return n + 1; });
  }

  {
    const Promise<int> gone = std::move(promise);
  }

  CHECK(std::move(deferred).result().check<AbandonedError>());
}

TEST_CASE_FIXTURE(Unhandled, "a million Deferreds in Deferreds, fired, use no stack") {
  Tower tower;

  tower.promise.callback(5);

  CHECK(std::move(tower.deferred).result().value() == 5);
}

TEST_CASE_FIXTURE(Unhandled, "a million Deferreds in Deferreds, failed, use no stack") {
  Tower tower;

  tower.promise.errback(std::runtime_error("no"));

  CHECK(std::move(tower.deferred).result().check<std::runtime_error>());
}

TEST_CASE_FIXTURE(Unhandled, "a million Deferreds in Deferreds, cancelled, use no stack") {
  Tower tower;

  tower.deferred.cancel();

  CHECK(std::move(tower.deferred).result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Unhandled, "a million Deferreds in Deferreds, dropped, use no stack") {
  {
    Tower tower;
    {
      const Deferred<int> gone = std::move(tower.deferred);
    }
    {
      const Promise<int> gone = std::move(tower.promise);
    }
  }

  CHECK(take().size() == 1);  // the AbandonedError that nobody handled
}

TEST_CASE_FIXTURE(Unhandled,
                  "a million Deferreds, each returned by a callback of the last, use no stack") {
  std::vector<Promise<int>> promises;
  promises.reserve(million);
  auto rest = Next{&promises}(0);

  for (int i = 0; i < million; ++i) promises[i].callback(i + 1);

  CHECK(std::move(rest).result().value() == million);
}

TEST_CASE_FIXTURE(Unhandled, "a million chained Deferreds use no stack") {
  auto [first, last] = make_deferred<int>();
  for (int i = 0; i < million; ++i) {
    auto [promise, next] = make_deferred<int>();
    std::move(last).chain(std::move(promise));
    last = std::move(next);
  }

  first.callback(5);

  CHECK(std::move(last).result().value() == 5);
}

TEST_CASE_FIXTURE(Unhandled, "a million callbacks that each fire the next Promise use no stack") {
  auto [first, last] = make_deferred<int>();
  for (int i = 0; i < million; ++i) {
    auto [promise, next] = make_deferred<int>();
    std::move(last)
        .add_both([p = std::move(promise)](Outcome<int> n) mutable { p.fire(std::move(n)); })
        .detach();
    last = std::move(next);
  }

  first.callback(5);

  CHECK(std::move(last).result().value() == 5);
}

TEST_CASE_FIXTURE(Unhandled,
                  "a million callbacks that own the next Promise, dropped, use no stack") {
  auto [first, last] = make_deferred<int>();
  for (int i = 0; i < million; ++i) {
    auto [promise, next] = make_deferred<int>();
    std::move(last)
        .add_callback([p = std::move(promise)](int n) mutable { p.callback(n); })
        .add_errback([](const AbandonedError&) {})
        .detach();
    last = std::move(next);
  }

  {
    const Promise<int> gone = std::move(first);
  }

  CHECK(std::move(last).result().check<AbandonedError>());
}

TEST_CASE_FIXTURE(Unhandled, "a million cancellers that own the next Promise use no stack") {
  auto [first, last] = make_deferred<int>();
  for (int i = 0; i < million; ++i) {
    auto [promise, next] = make_deferred<int>([p = std::move(first)] {});
    std::move(last).detach();
    first = std::move(promise);
    last = std::move(next);
  }
  set_unhandled_failure_hook([](const Failure&, const std::string&) {});  // the fixture resets it

  first.callback(5);

  CHECK(std::move(last).result().value() == 5);
}

TEST_CASE_FIXTURE(Unhandled,
                  "a million paused Deferreds whose cancellers own the next Promise use no stack") {
  auto [first, last] = make_deferred<void>();
  Promise<void> next = std::move(first);
  std::vector<Deferred<void>> paused;
  for (int i = 0; i < million; ++i) {
    auto [promise, deferred] = make_deferred<void>([owned = std::move(next)] {});
    deferred.pause();
    paused.push_back(std::move(deferred));
    next = std::move(promise);
  }

  next.callback();

  CHECK(last.has_result());
  for (Deferred<void>& each : paused) {
    each.unpause();
    std::move(each).add_errback([](const Failure&) {}).detach();
  }
  std::move(last).add_errback([](const Failure&) {}).detach();
}

TEST_CASE_FIXTURE(Unhandled, "a million values that each own the next Deferred use no stack") {
  struct Item {
    std::unique_ptr<Deferred<Item>> next;
  };
  auto [promise, all] = make_deferred<Item>();
  for (int i = 0; i < million; ++i) {
    auto [before, outer] = make_deferred<Item>();
    promise.callback(Item{});
    before.callback(Item{std::make_unique<Deferred<Item>>(std::move(all))});
    auto [unfired, none] = make_deferred<Item>();
    promise = std::move(unfired);
    std::move(none).detach();
    all = std::move(outer);
  }
  set_unhandled_failure_hook([](const Failure&, const std::string&) {});

  {
    const Deferred<Item> gone = std::move(all);
  }
}

TEST_CASE_FIXTURE(Unhandled, "a million shared Deferreds, each read by the next, use no stack") {
  for (const bool fired : {true, false}) {
    CAPTURE(fired);
    auto [promise, deferred] = make_deferred<int>();
    SharedDeferred<int> last = std::move(deferred).share();
    for (int i = 0; i < million; ++i) {
      last = last.add_callback([](int n) { return n + 1; }).share();
    }

    if (fired) promise.callback(0);
    {
      const Promise<int> gone = std::move(promise);
    }

    REQUIRE(last.outcome());
    CHECK(
        (fired ? **last.outcome() == million : last.outcome()->check<AbandonedError>() != nullptr));
    last.add_errback([](const AbandonedError&) {}).detach();
  }
}

TEST_CASE_FIXTURE(Unhandled, "a million cancellers that each cancel the next use no stack") {
  std::vector<Promise<int>> promises;
  auto [first, last] = make_deferred<int>();
  promises.push_back(std::move(first));
  for (int i = 0; i < million; ++i) {
    auto [promise, next] =
        make_deferred<int>([below = std::move(last)]() mutable { below.cancel(); });
    promises.push_back(std::move(promise));
    last = std::move(next);
  }

  last.cancel();

  CHECK(std::move(last).result().check<Cancelled>());
}

// Ended in the stack's end where the hundredth of a row cancelled two others.
TEST_CASE_FIXTURE(Unhandled, "a long row's canceller that cancels two other rows uses no stack") {
  const auto row_over = [](Deferred<int> below, std::vector<Promise<int>>& promises, int length) {
    for (int i = 0; i < length; ++i) {
      auto [promise, next] =
          make_deferred<int>([kept = std::move(below)]() mutable { kept.cancel(); });
      promises.push_back(std::move(promise));
      below = std::move(next);
    }
    return below;
  };
  std::vector<Promise<int>> promises;
  int cancelled = 0;
  const auto end = [&] {
    auto [promise, deferred] = make_deferred<int>([&] { ++cancelled; });
    promises.push_back(std::move(promise));
    return std::move(deferred);
  };
  auto first = row_over(end(), promises, 1);
  auto second = row_over(end(), promises, million);
  auto [promise, both] = make_deferred<int>([&] {
    first.cancel();
    second.cancel();
  });
  auto top = row_over(std::move(both), promises, 100);

  top.cancel();

  CHECK(cancelled == 2);
  std::move(top).abandon();
  std::move(first).abandon();
  std::move(second).abandon();
}
