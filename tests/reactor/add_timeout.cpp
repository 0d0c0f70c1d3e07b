// SPDX-License-Identifier: MIT
// Twisted's checklist, 1.7: a limit on a Deferred.
#include "deferred/reactor/add_timeout.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "deferred/tasks/deferred_coroutine.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/yieldables/pause.hpp"
#include "reactors/virtual_time.hpp"
#include "tests/support/counted.hpp"
#include "tests/support/million.hpp"
#include "tests/support/unhandled.hpp"

using namespace deferred;
using namespace std::chrono_literals;
using deferred::testing::million;
using deferred::testing::ThrowsOnMove;
using deferred::testing::Unhandled;

namespace {

struct Clocked : Unhandled {
  reactors::VirtualTime time;
  Reactor reactor{time};
};

}  // namespace

TEST_CASE_FIXTURE(
    Clocked, "a Deferred without a result at its limit is cancelled and fails with TimeoutError") {
  bool cancelled = false;
  auto [promise, deferred] = make_deferred<int>([&] { cancelled = true; });
  const SourceLocation here = SourceLocation::current();
  Deferred<int> limited = add_timeout(std::move(deferred), 10s, reactor, here);

  time.advance(10s - 1ns);
  CHECK(!limited.fired());
  CHECK(!cancelled);
  time.advance(1ns);

  CHECK(cancelled);
  const Outcome<int> outcome = std::move(limited).result();
  REQUIRE(outcome.check<TimeoutError>());
  CHECK(std::string(outcome.check<TimeoutError>()->what()) ==
        "timed out after 10 s waiting on deferred::Deferred<int> at " + to_string(here));
}

TEST_CASE_FIXTURE(Clocked, "a result before the limit is passed on and the timer is dropped") {
  auto [promise, deferred] = make_deferred<int>();
  Deferred<int> limited = add_timeout(std::move(deferred), 10s, reactor);

  promise.callback(5);

  CHECK(reactor.timer_count() == 0);
  CHECK(std::move(limited).result().value() == 5);
}

TEST_CASE_FIXTURE(Clocked, "a failure before the limit is passed on and the timer is dropped") {
  auto [promise, deferred] = make_deferred<int>();
  Deferred<int> limited = add_timeout(std::move(deferred), 10s, reactor);

  promise.errback(std::string("early"));

  CHECK(reactor.timer_count() == 0);
  CHECK(*std::move(limited).result().check<std::string>() == "early");
}

TEST_CASE_FIXTURE(Clocked, "a result before the limit cancels nothing that a callback returned") {
  bool inner_cancelled = false;
  auto [inner_promise, inner] = make_deferred<int>([&] { inner_cancelled = true; });
  auto [promise, deferred] = make_deferred<int>();
  Deferred<int> limited =
      add_timeout(std::move(deferred), 10s, reactor)
          .add_callback([inner = std::move(inner)](int) mutable { return std::move(inner); });
  promise.callback(1);

  time.advance(20s);

  CHECK(!inner_cancelled);
  CHECK(!limited.has_result());
  inner_promise.callback(2);
  CHECK(std::move(limited).result().value() == 2);
}

TEST_CASE_FIXTURE(Clocked,
                  "a cancel before the limit stays Cancelled and the handler is not called") {
  bool handled = false;
  auto [promise, deferred] = make_deferred<int>();
  Deferred<int> limited =
      add_timeout(std::move(deferred), 10s, reactor, [&](Outcome<int> outcome, Duration) {
        handled = true;
        return outcome;
      });

  limited.cancel();

  CHECK(std::move(limited).result().check<Cancelled>());
  CHECK(!handled);
  CHECK(reactor.timer_count() == 0);
}

TEST_CASE_FIXTURE(Clocked,
                  "a handler of the timeout gets the result and the limit, and gives the result") {
  std::optional<Duration> limit;
  bool was_cancelled = false;
  auto [promise, deferred] = make_deferred<int>();
  Deferred<int> limited =
      add_timeout(std::move(deferred), 10s, reactor, [&](Outcome<int> outcome, Duration after) {
        limit = after;
        was_cancelled = outcome.check<Cancelled>();
        return 42;
      });

  time.advance(10s);

  CHECK(limit == Duration(10s));
  CHECK(was_cancelled);
  CHECK(std::move(limited).result().value() == 42);
}

TEST_CASE_FIXTURE(Clocked, "the value that a canceller makes at the limit is kept") {
  auto [promise, deferred] =
      make_deferred<int>([](Promise<int>& cancelled) { cancelled.callback(7); });
  Deferred<int> limited = add_timeout(std::move(deferred), 10s, reactor);

  time.advance(10s);

  CHECK(std::move(limited).result().value() == 7);
}

TEST_CASE_FIXTURE(Clocked, "the failure that a canceller makes at the limit is kept") {
  auto [promise, deferred] =
      make_deferred<int>([](Promise<int>& cancelled) { cancelled.errback(std::string("mine")); });
  Deferred<int> limited = add_timeout(std::move(deferred), 10s, reactor);

  time.advance(10s);

  CHECK(*std::move(limited).result().check<std::string>() == "mine");
}

TEST_CASE_FIXTURE(Clocked, "an errback added before the limit sees Cancelled and may swallow it") {
  auto [promise, deferred] = make_deferred<int>();
  Deferred<int> limited = add_timeout(
      std::move(deferred).add_errback([](const Cancelled&) { return 3; }), 10s, reactor);

  time.advance(10s);

  CHECK(std::move(limited).result().value() == 3);
}

TEST_CASE_FIXTURE(Clocked, "an errback added after the limit sees TimeoutError") {
  auto [promise, deferred] = make_deferred<int>();
  Deferred<int> limited =
      add_timeout(std::move(deferred), 10s, reactor).add_errback([](const TimeoutError&) {
        return 4;
      });

  time.advance(10s);

  CHECK(std::move(limited).result().value() == 4);
}

TEST_CASE_FIXTURE(Clocked, "a limited Deferred that is dropped still reports its timeout") {
  auto [promise, deferred] = make_deferred<int>();
  const SourceLocation here = SourceLocation::current();
  add_timeout(std::move(deferred), 10s, reactor, here).detach();

  time.advance(10s);

  CHECK(take() ==
        std::vector<std::string>{"timed out after 10 s waiting on deferred::Deferred<int> at " +
                                 to_string(here)});
}

TEST_CASE_FIXTURE(Clocked, "the limit of a coroutine's Deferred cancels what it waits on") {
  bool cancelled = false;
  auto [promise, inner] = make_deferred<int>([&] { cancelled = true; });
  const auto waiting = [](Reactor&, Deferred<int> on) -> Deferred<int> {
    co_return co_await std::move(on);
  };
  Deferred<int> limited = add_timeout(waiting(reactor, std::move(inner)), 10s, reactor);

  time.advance(10s);

  CHECK(cancelled);
  CHECK(std::move(limited).result().check<TimeoutError>());
}

TEST_CASE_FIXTURE(Clocked,
                  "a reactor that ends before the limit leaves the Deferred to its Promise") {
  std::optional<Reactor> other(std::in_place, time);
  auto [promise, deferred] = make_deferred<int>();
  Deferred<int> limited = add_timeout(std::move(deferred), 10s, *other);

  other.reset();
  promise.callback(1);

  CHECK(std::move(limited).result().value() == 1);
}

// Was Cancelled at once.
TEST_CASE_FIXTURE(Clocked,
                  "what a coroutine makes of a cancel comes through its limit, later too") {
  const auto work = [](Reactor&, bool fails) -> Deferred<int> {
    auto [promise, inner] = make_deferred<int>();
    bool cancelled = false;
    try {
      co_await std::move(inner);
    } catch (const Cancelled&) {
      cancelled = true;
    }
    co_await Pause{1s};
    if (fails) throw std::runtime_error("could not save");
    co_return cancelled ? 42 : 1;
  };
  Deferred<int> cancelled = add_timeout(work(reactor, false), 100s, reactor);
  Deferred<int> failed = add_timeout(work(reactor, true), 100s, reactor);
  Deferred<int> late = add_timeout(work(reactor, false), 2s, reactor);

  cancelled.cancel();
  failed.cancel();
  CHECK(!cancelled.has_result());
  time.advance(3s);

  CHECK(std::move(cancelled).result().value() == 42);
  CHECK(std::move(failed).result().failure().what() == "could not save");
  CHECK(std::move(late).result().value() == 42);
}

// The cancel reached nobody, and the wait never ended.
TEST_CASE_FIXTURE(Clocked, "a cancel after the limit goes to what on_timeout gave") {
  bool cancelled = false;
  auto [spare, fallback] = make_deferred<int>([&] { cancelled = true; });
  auto [promise, deferred] = make_deferred<int>();
  Deferred<int> limited = add_timeout(
      std::move(deferred), 1s, reactor,
      [&fallback = fallback](const Outcome<int>&, Duration) { return std::move(fallback); });
  time.advance(2s);
  REQUIRE(!limited.fired());

  limited.cancel();

  CHECK(cancelled);
  CHECK(std::move(limited).result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Clocked, "a Spawned can be given a limit") {
  Deferred<int> limited = add_timeout(spawn(reactor,
                                            []() -> Task<int> {
                                              co_await Pause{1h};
                                              co_return 1;
                                            }),
                                      1s, reactor);

  time.advance(1s);

  CHECK(std::move(limited).result().check<TimeoutError>());
}

// Hung: the timer was dropped, and the result not passed on.
TEST_CASE_FIXTURE(Clocked, "a result whose move throws ends as that error") {
  auto [promise, deferred] = make_deferred<ThrowsOnMove>();
  promise.callback(5);

  ThrowsOnMove::throwing = true;
  Deferred<ThrowsOnMove> limited = add_timeout(std::move(deferred), 1s, reactor);
  ThrowsOnMove::throwing = false;

  CHECK(std::move(limited).result().check<std::runtime_error>());
}

TEST_CASE_FIXTURE(Clocked, "a million limits around one Deferred use no stack") {
  for (const bool cancelled : {false, true}) {
    auto [promise, last] = make_deferred<int>();
    for (int i = 0; i < million; ++i) last = add_timeout(std::move(last), 10s, reactor);

    if (cancelled) {
      last.cancel();
    } else {
      promise.callback(5);
    }

    const Outcome<int> outcome = std::move(last).result();
    CHECK((cancelled ? outcome.check<Cancelled>() != nullptr : outcome.value() == 5));
    CHECK(reactor.timer_count() == 0);
  }
}
