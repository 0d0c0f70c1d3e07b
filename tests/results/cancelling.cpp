// SPDX-License-Identifier: MIT
// Twisted's checklist, 1.6: cancel.
#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "deferred/results/deferred.hpp"
#include "tests/support/begun.hpp"
#include "tests/support/counted.hpp"
#include "tests/support/unhandled.hpp"

using namespace deferred;
using deferred::testing::begun;
using deferred::testing::Counted;
using deferred::testing::Unhandled;

TEST_CASE_FIXTURE(Unhandled, "cancel calls the canceller of an unfired Deferred, inside the call") {
  int calls = 0;
  auto [promise, deferred] = make_deferred<int>([&] { ++calls; });

  deferred.cancel();

  CHECK(calls == 1);
  CHECK(std::move(deferred).result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Unhandled, "what the canceller fires is the result, on either side") {
  auto [first, value] = make_deferred<int>([](Promise<int>& p) { p.callback(5); });
  auto [second, failed] =
      make_deferred<int>([](Promise<int>& p) { p.errback(std::runtime_error("no")); });

  value.cancel();
  failed.cancel();

  CHECK(std::move(value).result().value() == 5);
  CHECK(std::move(failed).result().check<std::runtime_error>());
}

TEST_CASE_FIXTURE(Unhandled, "a canceller that fires nothing leaves Cancelled") {
  auto [promise, deferred] = make_deferred<int>([](Promise<int>&) {});

  deferred.cancel();

  CHECK(std::move(deferred).result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Unhandled,
                  "without a canceller, cancel fires Cancelled and one late answer is ignored") {
  for (const bool success : {true, false}) {
    auto [promise, deferred] = make_deferred<int>();
    deferred.cancel();

    success ? promise.callback(1) : promise.errback(std::runtime_error("late"));

    CHECK_THROWS_AS(promise.callback(2), AlreadyCalledError);
    CHECK(std::move(deferred).result().check<Cancelled>());
  }
}

TEST_CASE_FIXTURE(Unhandled, "after a canceller the first late answer throws AlreadyCalledError") {
  auto [promise, deferred] = make_deferred<int>([] {});
  deferred.cancel();

  CHECK_THROWS_AS(promise.callback(1), AlreadyCalledError);
  CHECK(std::move(deferred).result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Unhandled, "a second cancel does nothing") {
  int calls = 0;
  auto [promise, deferred] = make_deferred<int>([&] { ++calls; });

  deferred.cancel();
  deferred.cancel();

  CHECK(calls == 1);
  CHECK(std::move(deferred).result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Unhandled, "cancel after the fire does nothing") {
  int calls = 0;
  auto [first, value] = make_deferred<int>([&] { ++calls; });
  auto [second, failed] = make_deferred<int>([&] { ++calls; });
  auto ready = succeed(3);
  first.callback(1);
  second.errback(std::runtime_error("no"));

  value.cancel();
  failed.cancel();
  ready.cancel();

  CHECK(calls == 0);
  CHECK(std::move(value).result().value() == 1);
  CHECK(std::move(failed).result().check<std::runtime_error>());
  CHECK(std::move(ready).result().value() == 3);
}

TEST_CASE_FIXTURE(Unhandled, "cancelling a chain that waits cancels the innermost Deferred") {
  for (const bool steps_aside : {true, false}) {  // as a chain does that only waits
    CAPTURE(steps_aside);
    int calls = 0;
    auto [promise, outermost] = make_deferred<int>([&] { ++calls; });
    for (int level = 0; level < 3; ++level) {
      outermost = begun([inner = std::move(outermost)]() mutable { return std::move(inner); });
      if (!steps_aside) outermost = std::move(outermost).add_callback([](int i) { return i; });
    }

    outermost.cancel();

    CHECK(calls == 1);
    CHECK(std::move(outermost).result().check<Cancelled>());
  }
}

TEST_CASE_FIXTURE(Unhandled, "a cancelled chain goes on with what the inner Deferred made of it") {
  auto [promise, inner] = make_deferred<int>([](Promise<int>& p) { p.callback(5); });
  auto outer = begun([&] { return std::move(inner); }).add_callback([](int i) { return i + 1; });

  outer.cancel();

  CHECK(std::move(outer).result().value() == 6);
}

TEST_CASE_FIXTURE(Unhandled,
                  "cancelling a paused Deferred fires it, and its errbacks run at the unpause") {
  auto [promise, deferred] = make_deferred<int>();
  auto rest = std::move(deferred).add_errback([](const Cancelled&) { return 1; });
  rest.pause();

  rest.cancel();
  CHECK(rest.fired());
  CHECK(!rest.has_result());
  rest.unpause();

  CHECK(std::move(rest).result().value() == 1);
}

TEST_CASE_FIXTURE(Unhandled, "cancel inside a callback of the same chain does nothing") {
  int calls = 0;
  auto [promise, deferred] = make_deferred<int>([&] { ++calls; });
  Deferred<int> rest;
  rest = std::move(deferred).add_callback([&](int i) {
    rest.cancel();
    return i;
  });

  promise.callback(5);

  CHECK(calls == 0);
  CHECK(std::move(rest).result().value() == 5);
}

TEST_CASE_FIXTURE(Unhandled, "the canceller is destroyed when the Deferred fires") {
  Counted::reset();
  auto [promise, deferred] = make_deferred<int>([counted = Counted()] {});
  CHECK(Counted::live == 1);
  int live_in_callback = -1;
  auto rest = std::move(deferred).add_callback([&](int) { live_in_callback = Counted::live; });

  promise.callback(1);

  CHECK(live_in_callback == 0);
}

TEST_CASE_FIXTURE(Unhandled, "the canceller is destroyed after it was asked, and with the block") {
  Counted::reset();
  auto [promise, deferred] = make_deferred<int>([counted = Counted()] {});
  deferred.cancel();
  CHECK(Counted::live == 0);
  {
    auto [other, dropped] = make_deferred<int>([counted = Counted()] {});
    std::move(dropped).add_errback([](const AbandonedError&) { return 0; }).detach();
  }

  CHECK(Counted::live == 0);
}

TEST_CASE_FIXTURE(Unhandled, "what a canceller throws is the result") {
  auto [promise, deferred] = make_deferred<int>([] { throw std::runtime_error("cannot"); });

  deferred.cancel();

  CHECK(std::move(deferred).result().check<std::runtime_error>());
}

TEST_CASE_FIXTURE(Unhandled, "what a canceller throws after it fired is reported") {
  auto [promise, deferred] = make_deferred<int>([](Promise<int>& p) {
    p.callback(5);
    throw std::runtime_error("too late");
  });

  deferred.cancel();

  CHECK(std::move(deferred).result().value() == 5);
  CHECK(take() == std::vector<std::string>{"too late"});
}

TEST_CASE_FIXTURE(Unhandled, "cancel inside the canceller does nothing") {
  Deferred<int> deferred;
  int calls = 0;
  auto [promise, made] = make_deferred<int>([&](Promise<int>& p) {
    ++calls;
    deferred.cancel();
    p.callback(5);
  });
  deferred = std::move(made);

  deferred.cancel();

  CHECK(calls == 1);
  CHECK(std::move(deferred).result().value() == 5);
}

TEST_CASE_FIXTURE(Unhandled,
                  "the Promise that a canceller keeps is no second owner: Cancelled is fired") {
  std::optional<Promise<int>> kept;
  auto [promise, deferred] =
      make_deferred<int>([&](Promise<int>& p) { kept.emplace(std::move(p)); });

  deferred.cancel();

  CHECK(std::move(deferred).result().check<Cancelled>());
  CHECK_THROWS_AS(kept->callback(1), AlreadyCalledError);
}

TEST_CASE_FIXTURE(Unhandled, "abandon cancels the operation and is silent about what comes of it") {
  int calls = 0;
  {
    auto [promise, deferred] = make_deferred<int>([&](Promise<int>& p) {
      ++calls;
      p.errback(std::runtime_error("no"));
    });
    std::move(deferred).abandon();
  }
  {
    auto [promise, deferred] = make_deferred<int>();
    auto rest = std::move(deferred).add_errback(
        [](const Cancelled&) -> int { throw std::runtime_error("no"); });
    std::move(rest).abandon();
    promise.callback(1);
  }
  fail<int>(std::runtime_error("no")).abandon();

  CHECK(calls == 1);
}

TEST_CASE_FIXTURE(Unhandled, "dropping a Deferred does not cancel it") {
  int calls = 0;
  bool ran = false;
  auto [promise, deferred] = make_deferred<int>([&] { ++calls; });
  std::move(deferred).add_callback([&](int) { ran = true; }).detach();

  promise.callback(1);

  CHECK(calls == 0);
  CHECK(ran);
}

TEST_CASE_FIXTURE(Unhandled, "a Promise knows that its Deferred was cancelled") {
  auto [promise, deferred] = make_deferred<int>();
  CHECK(!promise.fired());

  deferred.cancel();

  CHECK(promise.fired());
  CHECK(std::move(deferred).result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Unhandled, "a canceller that says that an answer follows leaves it pending") {
  int asked = 0;
  auto [promise, deferred] = make_deferred<int>([&] {
    ++asked;
    return Cancelling::answer_follows;
  });

  deferred.cancel();
  deferred.cancel();

  CHECK(asked == 2);
  CHECK(!deferred.has_result());
  promise.callback(5);
  CHECK(std::move(deferred).result().value() == 5);
}

TEST_CASE_FIXTURE(Unhandled, "a canceller that says `now` is asked once and leaves Cancelled") {
  auto [promise, deferred] = make_deferred<int>([](Promise<int>&) { return Cancelling::now; });

  deferred.cancel();

  CHECK(std::move(deferred).result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Unhandled, "a canceller that answers follows and fires at once has fired") {
  auto [promise, deferred] = make_deferred<int>([](Promise<int>& p) {
    p.callback(5);
    return Cancelling::answer_follows;
  });

  deferred.cancel();

  CHECK(std::move(deferred).result().value() == 5);
}

// Was AbandonedError, and reported.
TEST_CASE_FIXTURE(Unhandled, "a canceller that destroys the Promise has cancelled its Deferred") {
  for (const Cancelling answer : {Cancelling::now, Cancelling::answer_follows}) {
    std::unique_ptr<Promise<int>> operation;
    auto [promise, deferred] = make_deferred<int>([&] {
      operation.reset();
      return answer;
    });
    operation = std::make_unique<Promise<int>>(std::move(promise));

    deferred.cancel();

    CHECK(std::move(deferred).result().check<Cancelled>());
  }
}

TEST_CASE_FIXTURE(Unhandled, "a canceller's own captures may hold the Promise that goes with it") {
  auto holder = std::make_shared<Promise<int>>();
  auto [promise, deferred] = make_deferred<int>([holder] {});
  *holder = std::move(promise);
  holder.reset();

  deferred.cancel();

  CHECK(std::move(deferred).result().check<Cancelled>());
}

// The callback's captures were overwritten by those of the canceller, which were being destroyed.
TEST_CASE_FIXTURE(Unhandled, "a canceller's captures may add a callback as they go") {
  struct Adds {
    Deferred<int>* to = nullptr;
    Adds() = default;
    Adds(Adds&& other) noexcept : to(std::exchange(other.to, nullptr)) {}
    ~Adds() {
      if (!to) return;
      std::array<char, 64> filler{};
      filler.fill(1);
      *to = std::move(*to).add_callback([filler](int n) { return n + filler[63]; });
    }
  };
  Deferred<int> deferred;
  Adds adds;
  adds.to = &deferred;
  const auto kept = std::make_shared<int>(7);
  std::array<char, 32> room{};
  auto made = make_deferred<int>([kept, room, a = std::move(adds)] { static_cast<void>(room); });
  deferred = std::move(made.second);

  made.first.callback(1);

  CHECK(std::move(deferred).result().value() == 2);
  CHECK(kept.use_count() == 1);
}

TEST_CASE_FIXTURE(Unhandled, "wanted is true while somebody can see the result") {
  auto [read, reader] = make_deferred<int>();
  auto [left, with_callback] = make_deferred<int>();
  std::move(with_callback).add_callback([](int) {}).detach();
  auto [dropped, nobodys] = make_deferred<int>();
  {
    const Deferred<int> gone = std::move(nobodys);
  }
  auto [cancelled, ended] = make_deferred<int>();
  ended.cancel();

  CHECK(read.wanted());
  CHECK(left.wanted());
  CHECK(!dropped.wanted());
  CHECK(!cancelled.wanted());
  CHECK(!Promise<int>().wanted());
  read.callback(1);
  CHECK(!read.wanted());
  left.callback(1);
  dropped.callback(1);
}

TEST_CASE_FIXTURE(Unhandled, "wanted is asked of whoever a chain gives its result to") {
  auto [promise, inner] = make_deferred<int>();
  auto [start, outer] = make_deferred<void>();
  auto rest = std::move(outer).add_callback([&d = inner] { return std::move(d); });
  start.callback();
  auto [last, reader] = make_deferred<int>();
  std::move(rest).chain(std::move(last));
  REQUIRE(promise.wanted());

  SUBCASE("the reader is dropped") { const Deferred<int> gone = std::move(reader); }
  SUBCASE("the reader is cancelled") { reader.cancel(); }

  CHECK(!promise.wanted());
  promise.callback(1);
}
