// SPDX-License-Identifier: MIT
#include "deferred/yieldables/semaphore.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "deferred/results/errors.hpp"
#include "deferred/tasks/deferred_coroutine.hpp"
#include "deferred/yieldables/event.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/support/first_of.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

Task<Permit> acquire(Semaphore& semaphore) { co_return co_await semaphore.acquire(); }
Task<> hold(Semaphore& semaphore, Event& until) {
  const Permit permit = co_await semaphore.acquire();
  co_await until;
}

TEST_CASE("a Semaphore of no permits is refused") {
  CHECK_THROWS_AS(Semaphore(0), std::invalid_argument);
}

// Twisted: DeferredSemaphore's testSemaphore.
TEST_CASE_FIXTURE(Loop, "as many hold a permit as there are, and the others wait in their order") {
  Semaphore semaphore(2);
  Event first, second, third;
  auto a = spawn(reactor, hold(semaphore, first));
  auto b = spawn(reactor, hold(semaphore, second));
  auto c = spawn(reactor, hold(semaphore, third));
  auto d = spawn(reactor, acquire(semaphore));
  settle();
  CHECK(semaphore.available() == 0);
  CHECK(semaphore.waiting() == 2);

  second.set();
  settle();
  CHECK(b.done());
  CHECK(semaphore.waiting() == 1);
  CHECK_FALSE(d.done());
  third.set();
  settle();
  CHECK(d.done());
  CHECK(semaphore.available() == 0);
  const Permit last = std::move(outcome_of(std::move(d))).value();
  first.set();
  settle();

  CHECK(a.done());
  CHECK(semaphore.available() == 1);
  CHECK(last.held());
}

TEST_CASE_FIXTURE(Loop, "a permit that is there is had without a suspension") {
  Semaphore semaphore(1);
  const auto outcome = outcome_of([&]() -> Task<std::size_t> {
    const Permit permit = co_await semaphore.acquire();
    co_return semaphore.available();
  });
  CHECK(outcome.value() == 0);
  CHECK(semaphore.available() == 1);
}

TEST_CASE("a Permit is moved, given back once, and empty then") {
  Semaphore semaphore(2);
  std::optional<Permit> one = semaphore.try_acquire();
  REQUIRE(one);
  Permit moved = std::move(*one);
  CHECK_FALSE(one->held());
  CHECK(moved.held());
  one.reset();
  CHECK(semaphore.available() == 1);

  moved.release();
  moved.release();
  CHECK_FALSE(moved.held());
  CHECK(semaphore.available() == 2);

  Permit first = *semaphore.try_acquire();
  Permit second = *semaphore.try_acquire();
  CHECK_FALSE(semaphore.try_acquire());
  first = std::move(second);
  CHECK(semaphore.available() == 1);
  Permit nothing;
  first = std::move(nothing);
  CHECK(semaphore.available() == 2);
}

TEST_CASE_FIXTURE(Loop, "a permit that is given back has another owner in that call") {
  Semaphore semaphore(1);
  std::optional<Permit> held = semaphore.try_acquire();
  auto waits = spawn(reactor, acquire(semaphore));
  settle();

  held.reset();

  CHECK(semaphore.available() == 0);
  CHECK(semaphore.waiting() == 0);
  CHECK_FALSE(semaphore.try_acquire());
  settle();
  CHECK(waits.done());
}

TEST_CASE_FIXTURE(Loop, "try_acquire() does not overtake those that wait") {
  Semaphore semaphore(1);
  std::optional<Permit> held = semaphore.try_acquire();
  std::string order;
  const auto take = [&](char who) -> Task<> {
    const Permit permit = co_await semaphore.acquire();
    order += who;
    co_await Pause{};
  };
  for (const char who : {'a', 'b', 'c'}) spawn(reactor, take, who);
  settle();
  held.reset();
  for (int i = 0; i < 6; ++i) {
    CHECK_FALSE((semaphore.waiting() > 0 && semaphore.try_acquire()));
    settle();
  }
  CHECK(order == "abc");
}

// Twisted: test_cancelSemaphoreBeforeAcquired.
TEST_CASE_FIXTURE(Loop, "a wait for a permit that is cut takes none, and keeps nobody waiting") {
  Semaphore semaphore(1);
  std::optional<Permit> held = semaphore.try_acquire();
  auto cancelled = spawn(reactor, acquire(semaphore));
  auto once = spawn(reactor, acquire(semaphore));
  auto closed = spawn(reactor, acquire(semaphore));
  auto late = spawn(
      reactor, [&]() -> Task<Permit> { co_return co_await with_timeout(1s, semaphore.acquire()); });
  auto last = spawn(reactor, acquire(semaphore));
  settle();
  REQUIRE(semaphore.waiting() == 5);

  cancelled.task().cancel();
  once.task().cancel_once();
  closed.task().close();
  time.advance(1s);
  CHECK(semaphore.waiting() == 1);
  held.reset();
  settle();

  CHECK(outcome_of(std::move(cancelled)).check<Cancelled>());
  CHECK(outcome_of(std::move(once)).check<Cancelled>());
  CHECK(outcome_of(std::move(late)).check<TimeoutError>());
  CHECK(std::move(outcome_of(std::move(last))).value().held());
}

// Twisted: test_cancelSemaphoreAfterAcquired.
TEST_CASE_FIXTURE(Loop, "a cancel that comes when the permit is there leaves it") {
  Semaphore semaphore(1);
  std::optional<Permit> held = semaphore.try_acquire();
  auto waits = spawn(reactor, acquire(semaphore));
  settle();

  held.reset();
  waits.task().cancel();
  settle();

  CHECK(std::move(outcome_of(std::move(waits))).value().held());
  CHECK(semaphore.available() == 1);
}

// In Twisted it is lost.
TEST_CASE_FIXTURE(Loop,
                  "a permit that was given to one who is closed before it goes on is given on") {
  Semaphore semaphore(1);
  std::optional<Permit> held = semaphore.try_acquire();
  auto closed = spawn(reactor, acquire(semaphore));
  auto next = spawn(reactor, acquire(semaphore));
  settle();

  held.reset();
  closed.task().close();
  CHECK(semaphore.available() == 0);
  settle();

  CHECK(std::move(outcome_of(std::move(next))).value().held());
  CHECK(semaphore.available() == 1);
}

TEST_CASE_FIXTURE(Loop, "a microthread that is cancelled or closed gives its permit back") {
  Semaphore semaphore(2);
  Event never;
  auto cancelled = spawn(reactor, hold(semaphore, never));
  auto closed = spawn(reactor, hold(semaphore, never));
  settle();
  REQUIRE(semaphore.available() == 0);

  cancelled.task().cancel();
  closed.task().close();
  settle();

  CHECK(semaphore.available() == 2);
}

TEST_CASE_FIXTURE(Loop, "one whose wait is over otherwise, and has not gone on, is passed over") {
  Semaphore semaphore(1);
  Semaphore other(1);
  std::optional<Permit> held = semaphore.try_acquire();
  std::optional<Permit> other_held = other.try_acquire();
  auto either = spawn(reactor, [&]() -> Task<Permit> {
    co_return co_await FirstOf(other.acquire(), semaphore.acquire());
  });
  auto next = spawn(reactor, acquire(semaphore));
  settle();

  other_held.reset();
  held.reset();  // it is in the line still
  settle();

  CHECK(next.done());
  CHECK(either.done());
  CHECK(std::move(outcome_of(std::move(either))).value().held());
  CHECK(other.available() == 1);
}

TEST_CASE_FIXTURE(Loop, "a permit for one whose wait is over already is not taken") {
  Semaphore semaphore(1);
  Semaphore other(1);
  const auto outcome = outcome_of([&]() -> Task<std::size_t> {
    const Permit permit = co_await FirstOf(other.acquire(), semaphore.acquire());
    co_return semaphore.available();
  });
  CHECK(outcome.value() == 1);
}

TEST_CASE_FIXTURE(Loop,
                  "those that wait for a Semaphore that is destroyed get AbandonedError, and "
                  "its permits do nothing any more") {
  std::optional<Semaphore> semaphore(std::in_place, 2);
  Permit one = *semaphore->try_acquire();
  Permit two = *semaphore->try_acquire();
  auto waits = spawn(reactor, acquire(*semaphore));
  settle();
  Permit moved = std::move(one);

  semaphore.reset();
  settle();

  CHECK(outcome_of(std::move(waits)).check<AbandonedError>());
  CHECK(moved.held());
  moved.release();
  two.release();
}

TEST_CASE("a Semaphore, its permits and the reactor end in any order") {
  for (const std::string order : {"srp", "spr", "rsp", "rps", "psr", "prs"}) {
    CAPTURE(order);
    std::optional<Semaphore> semaphore(std::in_place, 1);
    std::optional<Loop> loop(std::in_place);
    std::optional<Permit> permit = semaphore->try_acquire();
    Event never;
    for (int i = 0; i < 3; ++i) spawn(loop->reactor, hold(*semaphore, never));
    loop->settle();
    for (const char end : order) {
      if (end == 's') semaphore.reset();
      if (end == 'r') loop.reset();
      if (end == 'p') permit.reset();
    }
  }
}

TEST_CASE("a permit is waited for without a reactor, if it is there") {
  Semaphore semaphore(1);
  const auto begin = [&](std::string) -> Deferred<bool> {
    const Permit permit = co_await semaphore.acquire();
    co_return permit.held();
  };
  CHECK(begin("").result().value());
}

}  // namespace
