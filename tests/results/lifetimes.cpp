// SPDX-License-Identifier: MIT
// Handles, values and cancellers that go away in the middle of things, and moves that throw.
#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "deferred/results/deferred.hpp"
#include "tests/support/counted.hpp"
#include "tests/support/unhandled.hpp"

using namespace deferred;
using deferred::testing::Counted;
using deferred::testing::Large;
using deferred::testing::ThrowsOnMove;
using deferred::testing::Unhandled;

namespace {

// A callable whose copy throws, as a full heap would make it.
struct ThrowsOnCopy {
  ThrowsOnCopy() = default;
  ThrowsOnCopy(const ThrowsOnCopy&) { throw std::runtime_error("the copy threw"); }
  int operator()(int i) const { return i; }
  int operator()() const { return 0; }
  char padding[300] = {};  // outside the block
};

}  // namespace

TEST_CASE_FIXTURE(Unhandled, "a Promise may be destroyed by the callback it fires") {
  auto [made, deferred] = make_deferred<int>();
  auto promise = std::make_unique<Promise<int>>(std::move(made));
  auto rest = std::move(deferred)
                  .add_callback([&](int i) {
                    promise.reset();
                    return i;
                  })
                  .add_callback([](int i) { return i + 1; });

  promise->callback(1);

  CHECK(std::move(rest).result().value() == 2);
}

TEST_CASE_FIXTURE(Unhandled, "a Deferred may be dropped by its own callback") {
  int last = 0;
  auto [promise, deferred] = make_deferred<int>();
  std::optional<Deferred<void>> rest;
  rest = std::move(deferred)
             .add_callback([&](int i) {
               rest.reset();
               return i;
             })
             .add_callback([&](int i) { last = i; });

  promise.callback(5);

  CHECK(last == 5);
}

TEST_CASE_FIXTURE(Unhandled, "both ends may go away inside a callback") {
  struct Operation {
    std::optional<Promise<int>> promise;
    std::optional<Deferred<int>> rest;
  };
  auto operation = std::make_unique<Operation>();
  int last = 0;
  auto [promise, deferred] = make_deferred<int>();
  operation->promise.emplace(std::move(promise));
  operation->rest = std::move(deferred)
                        .add_callback([&](int i) {
                          operation.reset();
                          return i;
                        })
                        .add_callback([&](int i) { return last = i; });

  operation->promise->callback(5);

  CHECK(last == 5);
}

// Once the chain ran in a block that the canceller's destructor had given back.
TEST_CASE_FIXTURE(Unhandled, "a canceller may own the last handles of what it cancels") {
  struct Operation {
    Promise<int> promise;
    std::optional<Deferred<void>> rest;
    void finish() { promise.callback(5); }
  };
  int seen = 0;
  Operation* raw = nullptr;
  {
    auto operation = std::make_shared<Operation>();
    auto [promise, deferred] = make_deferred<int>([operation] {});
    operation->promise = std::move(promise);
    operation->rest = std::move(deferred).add_callback([&](int i) { seen = i; });
    raw = operation.get();
  }

  raw->finish();

  CHECK(seen == 5);
}

TEST_CASE_FIXTURE(Unhandled, "a canceller may destroy the Deferred that is being cancelled") {
  int calls = 0;
  std::optional<Deferred<int>> first;
  std::optional<Deferred<int>> second;
  auto [p1, d1] = make_deferred<int>([&] {
    ++calls;
    first.reset();
  });
  auto [p2, d2] = make_deferred<int>([&] {
    ++calls;
    second.reset();
  });
  first = std::move(d1);
  second = std::move(d2);

  first->cancel();
  std::move(*second).abandon();

  CHECK(calls == 2);
  CHECK(!first);
}

TEST_CASE_FIXTURE(Unhandled, "a value may own the Promise of its own Deferred") {
  struct Owner {
    Promise<std::shared_ptr<Owner>> promise;
  };
  auto owner = std::make_shared<Owner>();
  const std::weak_ptr<Owner> watched = owner;
  {
    auto [promise, deferred] = make_deferred<std::shared_ptr<Owner>>();
    owner->promise = std::move(promise);
    Owner* const raw = owner.get();
    raw->promise.callback(std::move(owner));
  }

  CHECK(watched.expired());
}

TEST_CASE_FIXTURE(Unhandled,
                  "a value may use, as it dies, the variable its Deferred is replaced in") {
  struct Last {
    Deferred<std::shared_ptr<Last>>* place = nullptr;
    bool* seen_valid = nullptr;
    ~Last() {
      if (place) *seen_valid = place->valid();
    }
  };
  bool seen_valid = false;
  Deferred<std::shared_ptr<Last>> deferred;
  auto last = std::make_shared<Last>();
  last->place = &deferred;
  last->seen_valid = &seen_valid;
  deferred = succeed(std::move(last));

  deferred = succeed(std::shared_ptr<Last>());

  CHECK(seen_valid);
}

TEST_CASE_FIXTURE(Unhandled,
                  "a callback may fire other Deferreds, and their callbacks run inside it") {
  std::vector<std::string> ran;
  auto [first, one] = make_deferred<void>();
  auto [second, two] = make_deferred<void>();
  std::move(one)
      .add_callback([&, &p = second] {
        p.callback();
        ran.push_back("one");
      })
      .detach();
  std::move(two).add_callback([&] { ran.push_back("two"); }).detach();

  first.callback();

  CHECK(ran == std::vector<std::string>{"two", "one"});
}

TEST_CASE_FIXTURE(Unhandled, "assigning over an unfired Promise abandons it") {
  auto [promise, deferred] = make_deferred<int>();

  promise = Promise<int>();

  CHECK(std::move(deferred).result().check<AbandonedError>());
}

TEST_CASE_FIXTURE(Unhandled, "a Deferred assigned to itself keeps its result") {
  auto deferred = succeed(5);
  auto& same = deferred;

  deferred = std::move(same);

  CHECK(std::move(deferred).result().value() == 5);
}

TEST_CASE_FIXTURE(Unhandled, "a callable whose copy throws leaves the Deferred as it was") {
  const ThrowsOnCopy callable;
  auto [promise, deferred] = make_deferred<int>();

  CHECK_THROWS_AS(std::move(deferred).add_callback(callable).detach(), std::runtime_error);

  promise.callback(5);
  CHECK(std::move(deferred).result().value() == 5);  // NOLINT: add_callback() did not take it
}

TEST_CASE_FIXTURE(Unhandled, "a canceller whose move throws leaves nothing behind") {
  struct Canceller {
    explicit Canceller(int) {}
    Canceller(Canceller&&) { throw std::runtime_error("the move threw"); }
    void operator()() {}
  };

  CHECK_THROWS_AS(make_deferred<int>(Canceller(1)), std::runtime_error);
}

TEST_CASE_FIXTURE(Unhandled,
                  "values that are large, or whose move may throw, go through a chain unharmed") {
  const auto next = [](Large l) { return Large(l.value + 1); };
  auto [promise, deferred] = make_deferred<Large>();
  auto [inner_promise, inner] = make_deferred<Large>();
  auto rest =
      std::move(deferred).add_callback([&](Large) { return std::move(inner); }).add_callback(next);
  auto ready = succeed(Large(1)).add_callback(next);
  auto boxed = succeed().add_callback([] { return ThrowsOnMove(7); });

  promise.callback(0);
  inner_promise.callback(5);

  CHECK(std::move(rest).result().value().value == 6);
  CHECK(std::move(ready).result().value().value == 2);
  CHECK(std::move(boxed).result().value().value == 7);
}

TEST_CASE_FIXTURE(Unhandled, "a value that throws while it is handed to a callback is a failure") {
  bool called = false;
  auto [promise, deferred] = make_deferred<ThrowsOnMove>();
  auto rest = std::move(deferred).add_callback([&](ThrowsOnMove) { called = true; });
  auto [second_promise, second] = make_deferred<ThrowsOnMove>();
  std::string told;
  auto both = std::move(second).add_both(
      [&](const Outcome<ThrowsOnMove>& outcome) { told = outcome.failure().what(); });
  ThrowsOnMove::throwing = true;

  promise.callback(1);
  second_promise.callback(1);
  ThrowsOnMove::throwing = false;

  CHECK(!called);
  CHECK(std::move(rest).result().failure().what() == "the move threw");
  CHECK(told == "the move threw");
}

TEST_CASE_FIXTURE(Unhandled, "a value that throws while its result is taken is thrown and gone") {
  auto [promise, deferred] = make_deferred<ThrowsOnMove>();
  promise.callback(1);
  ThrowsOnMove::throwing = true;

  CHECK_THROWS_AS(static_cast<void>(std::move(deferred).result()), std::runtime_error);
  ThrowsOnMove::throwing = false;

  CHECK(!deferred.valid());  // NOLINT
}

TEST_CASE_FIXTURE(Unhandled,
                  "every value and callable is destroyed, whatever becomes of a Deferred") {
  Counted::reset();
  {
    auto [p1, unfired] = make_deferred<Counted>([captured = Counted()] {});
    auto rest = std::move(unfired).add_callback([captured = Counted()](Counted c) { return c; });
    rest.cancel();
    auto [p2, fired] = make_deferred<Counted>();
    p2.callback(Counted(1));
    auto ready = succeed(Counted(2));
    auto moved = std::move(ready);
    auto [p3, paused] = make_deferred<Counted>();
    paused.pause();
    p3.callback(Counted(3));
    auto large = succeed(std::make_pair(Counted(4), Large(1)));
    auto [p4, next] = make_deferred<Counted>();
    succeed(Counted(5)).chain(std::move(p4));
  }

  CHECK(Counted::live == 0);
}

TEST_CASE_FIXTURE(Unhandled,
                  "a Deferred that gets callbacks again and again after its fire uses one block") {
  auto [promise, deferred] = make_deferred<int>();
  promise.callback(0);

  for (int i = 0; i < 1000; ++i) {
    deferred = std::move(deferred).add_callback([i](int n) { return n + (i >= 0); });
  }

  CHECK(std::move(deferred).result().value() == 1000);
}

TEST_CASE_FIXTURE(Unhandled, "a hook may make and fire Deferreds") {
  static int seen = 0;
  const auto before = set_unhandled_failure_hook([](const Failure&, const std::string&) {
    auto [promise, deferred] = make_deferred<int>();
    std::move(deferred).add_callback([](int i) { seen = i; }).detach();
    promise.callback(5);
  });

  fail<int>(std::runtime_error("no")).detach();
  set_unhandled_failure_hook(before);

  CHECK(seen == 5);
}
