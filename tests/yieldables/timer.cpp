// SPDX-License-Identifier: MIT
//
// ("row" is the number of the behaviour in Twisted's checklist.)
#include "deferred/yieldables/timer.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/current_task.hpp"
#include "deferred/yieldables/event.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/race.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

struct Tick {
  std::uint64_t ticks;
  Duration at;
  friend bool operator==(const Tick&, const Tick&) = default;
};

TEST_CASE_FIXTURE(Loop, "row 153: each await is the next tick of a grid from the first await") {
  std::vector<Tick> seen;
  time.advance(7s);
  spawn(reactor, [&]() -> Task<> {
    Timer timer(2s);
    for (int i = 0; i < 3; ++i) {
      const auto ticks = co_await timer;
      seen.push_back({ticks, now()});
    }
  });

  time.run_until_idle();

  CHECK(seen == std::vector<Tick>{{1, 9s}, {1, 11s}, {1, 13s}});
}

TEST_CASE_FIXTURE(Loop, "row 153: work between ticks does not move the grid") {
  std::vector<Tick> seen;
  spawn(reactor, [&]() -> Task<> {
    Timer timer(10s);
    for (int i = 0; i < 3; ++i) {
      const auto ticks = co_await timer;
      seen.push_back({ticks, now()});
      co_await Pause(3s);
    }
  });

  time.run_until_idle();

  CHECK(seen == std::vector<Tick>{{1, 10s}, {1, 20s}, {1, 30s}});
}

TEST_CASE_FIXTURE(Loop, "row 154: a late await skips the missed ticks and returns to the grid") {
  std::vector<Tick> seen;
  spawn(reactor, [&]() -> Task<> {
    Timer timer(1s);
    for (const Duration work : {0ms, 2500ms, 0ms, 0ms}) {
      const auto ticks = co_await timer;
      seen.push_back({ticks, now()});
      co_await Pause(work);
    }
  });

  time.run_until_idle();

  CHECK(seen == std::vector<Tick>{{1, 1s}, {1, 2s}, {2, 4500ms}, {1, 5s}});
}

TEST_CASE_FIXTURE(Loop, "row 158: an await at the very tick gives one") {
  std::vector<Tick> seen;
  spawn(reactor, [&]() -> Task<> {
    Timer timer(100ms);
    for (int i = 0; i < 2; ++i) {
      const auto ticks = co_await timer;
      seen.push_back({ticks, now()});
      co_await Pause(100ms);
    }
  });

  time.run_until_idle();

  CHECK(seen == std::vector<Tick>{{1, 100ms}, {1, 200ms}});
}

TEST_CASE_FIXTURE(Loop, "a tick that was missed while it was cancelled counts with the next") {
  Timer timer(1s);
  const auto outcome = outcome_of([&]() -> Task<std::uint64_t> {
    const auto timed_out = co_await as_outcome(with_timeout(500ms, timer));
    CHECK(timed_out.check<TimeoutError>());
    co_await Pause(2s);
    co_return co_await timer;
  });

  CHECK(outcome.value() == 2);
  CHECK(reactor.timer_count() == 0);
}

TEST_CASE_FIXTURE(Loop, "row 155: a period has to be positive") {
  CHECK_THROWS_AS(static_cast<void>(Timer(0s)), std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(Timer(-1s)), std::invalid_argument);
}

TEST_CASE_FIXTURE(Loop, "late awaits in a row do not starve others") {
  int others = 0;
  spawn(reactor, [&]() -> Task<> {
    Timer timer(1ns);
    for (int i = 0; i < 5; ++i) {
      co_await timer;
      reactor.call_later(0s, [&] { ++others; }).detach();
      co_await Pause(5ns);
    }
    CHECK(others == 5);
  });

  time.run_until_idle();
}

// The ticks were counted as given, and a cancel took their place.
TEST_CASE_FIXTURE(Loop, "late ticks that a cancel keeps from being given are the next await's") {
  Timer timer(1s);
  std::uint64_t ticks = 0;
  auto late = spawn(reactor, [&]() -> Task<> {
    ticks += co_await timer;
    co_await Pause(5s);
    reactor.post([task = current_task()]() mutable { task.cancel(); });
    ticks += co_await timer;
  });
  time.run_until_idle();
  CHECK(outcome_of(std::move(late)).check<Cancelled>());
  CHECK(ticks == 1);

  outcome_of([&]() -> Task<> { ticks += co_await timer; }).value();

  CHECK(ticks == 6);
}

TEST_CASE_FIXTURE(Loop, "late ticks that lose a race are the next await's") {
  Timer timer(1s);
  Event wins;
  std::uint64_t ticks = 0;
  outcome_of([&]() -> Task<> {
    ticks += co_await timer;
    co_await Pause(5s);
    reactor.post([&] { wins.set(); });
    co_await race(timer, wins);
    ticks += co_await timer;
  }).value();

  CHECK(ticks == 6);
}

}  // namespace
