// SPDX-License-Identifier: MIT
// Chains run in a loop: no shape that the library knows of grows the stack, at any optimisation.
#include <doctest/doctest.h>

#include <stdexcept>
#include <utility>
#include <vector>

#include "deferred/results/deferred.hpp"
#include "tests/support/unhandled.hpp"

using namespace deferred;
using deferred::testing::Unhandled;

namespace {

constexpr int many = 1'000'000;

// `many` Deferreds, each waiting for the one before, the first for a Promise.
struct Tower {
  Tower() {
    auto [first, top] = make_deferred<int>();
    promise = std::move(first);
    for (int i = 0; i < many; ++i) {
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
    if (n == many) return succeed(int(n));
    auto [promise, deferred] = make_deferred<int>();
    promises->push_back(std::move(promise));
    return std::move(deferred).add_callback(*this);
  }
};

}  // namespace

TEST_CASE_FIXTURE(Unhandled, "a million callbacks on one Deferred use no stack") {
  auto [promise, deferred] = make_deferred<int>();
  for (int i = 0; i < many; ++i) {
    deferred = std::move(deferred).add_callback([](int n) { return n + 1; });
  }

  promise.callback(0);

  CHECK(std::move(deferred).result().value() == many);
}

TEST_CASE_FIXTURE(Unhandled, "a million callbacks whose Promise is dropped use no stack") {
  auto [promise, deferred] = make_deferred<int>();
  for (int i = 0; i < many; ++i) {
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
  promises.reserve(many);
  auto rest = Next{&promises}(0);

  for (int i = 0; i < many; ++i) promises[i].callback(i + 1);

  CHECK(std::move(rest).result().value() == many);
}

TEST_CASE_FIXTURE(Unhandled, "a million chained Deferreds use no stack") {
  auto [first, last] = make_deferred<int>();
  for (int i = 0; i < many; ++i) {
    auto [promise, next] = make_deferred<int>();
    std::move(last).chain(std::move(promise));
    last = std::move(next);
  }

  first.callback(5);

  CHECK(std::move(last).result().value() == 5);
}
