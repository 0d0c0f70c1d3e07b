// SPDX-License-Identifier: MIT
//
// ("row" is the number of the behaviour in Twisted's checklist.)
#include "deferred/yieldables/defer_later.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <utility>

#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

TEST_CASE_FIXTURE(Loop,
                  "row 159: the function is called when the delay has passed, and its value "
                  "fires") {
  Duration called{};
  Deferred<int> later = defer_later(reactor, 3s, [&] {
    called = now();
    return 7;
  });

  time.advance(2s);
  CHECK_FALSE(later.fired());
  time.advance(2s);

  CHECK(called == 3s);
  CHECK(std::move(later).result().value() == 7);
}

TEST_CASE_FIXTURE(Loop, "row 159: what the function throws fires as a failure") {
  Deferred<int> later = defer_later(1s, []() -> int { throw Oops(); });

  time.advance(1s);

  CHECK(std::move(later).result().check<Oops>());
}

TEST_CASE_FIXTURE(Loop, "row 159: without a function it is only later") {
  Deferred<void> first = defer_later(reactor, 1s);
  Deferred<void> second = defer_later(2s);

  time.advance(1s);
  CHECK(std::move(first).result().has_value());
  CHECK_FALSE(second.fired());
  time.advance(1s);

  CHECK(std::move(second).result().has_value());
}

TEST_CASE_FIXTURE(Loop, "row 159: cancel() takes the timer back, and the function is not called") {
  const auto held = std::make_shared<int>();
  bool called = false;
  Deferred<void> later = defer_later(1s, [held, &called] { called = true; });

  later.cancel();

  CHECK(std::move(later).result().check<Cancelled>());
  settle();
  CHECK(reactor.timer_count() == 0);
  CHECK(held.use_count() == 1);
  time.advance(2s);
  CHECK_FALSE(called);
}

TEST_CASE_FIXTURE(Loop, "a Deferred that the function gives is waited for, and cancelled") {
  int cancels = 0;
  std::optional<Promise<int>> promise;
  const auto begin = [&] {
    auto [p, deferred] = make_deferred<int>([&] { ++cancels; });
    promise.emplace(std::move(p));
    return std::move(deferred);
  };
  Deferred<int> answered = defer_later(1s, begin);
  time.advance(1s);
  CHECK_FALSE(answered.has_result());
  promise->callback(7);
  CHECK(std::move(answered).result().value() == 7);

  Deferred<int> cut = defer_later(1s, begin);
  time.advance(1s);
  cut.cancel();

  CHECK(cancels == 1);
  CHECK(std::move(cut).result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Loop, "without a delay it is called in the next turn") {
  bool called = false;
  const Deferred<void> later = defer_later(-1h, [&] { called = true; });
  CHECK_FALSE(called);

  settle();

  CHECK(called);
  CHECK(now() == 0s);
}

TEST_CASE("what is put off fails with its reactor, and does not begin without one") {
  const Unhandled unhandled;
  std::optional<Loop> loop(std::in_place);
  Deferred<int> later = defer_later(loop->reactor, 1s, [] { return 1; });

  loop.reset();

  CHECK(std::move(later).result().check<AbandonedError>());
  CHECK_THROWS_AS(defer_later(1s).detach(), NoReactorError);
}

}  // namespace
