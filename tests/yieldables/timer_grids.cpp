// SPDX-License-Identifier: MIT
//
// Timers whose grid has an anchor, or whose late awaits wait for the tick ahead.
#include <doctest/doctest.h>

#include <cstdint>
#include <stdexcept>
#include <vector>

#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/timer.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/set_clock.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

struct GridTick {
  std::uint64_t ticks;
  Duration at;
  friend bool operator==(const GridTick&, const GridTick&) = default;
};
using GridTicks = std::vector<GridTick>;

struct Grid : Loop {
  /// A tick before each of the pauses, and what was seen of it.
  GridTicks ticks_of(Timer timer, std::vector<Duration> pauses) {
    GridTicks seen;
    spawn(reactor, [&]() -> Task<> {
      for (const Duration pause : pauses) {
        const auto ticks = co_await timer;
        seen.push_back({ticks, now()});
        co_await Pause{pause};
      }
    });
    time.run_until_idle();
    return seen;
  }
};

TEST_CASE_FIXTURE(Grid,
                  "a late await that skips waits for the tick ahead, and counts those passed") {
  CHECK(ticks_of(Timer(1s, Late::skip), {0ms, 2500ms, 0ms, 0ms}) ==
        GridTicks{{1, 1s}, {1, 2s}, {3, 5s}, {1, 6s}});
}

TEST_CASE_FIXTURE(Grid, "an await that skips is not late at the very point of a tick") {
  CHECK(ticks_of(Timer(1s, Late::skip), {1s, 3s, 0s}) == GridTicks{{1, 1s}, {1, 2s}, {3, 5s}});
}

TEST_CASE_FIXTURE(Grid, "a grid with an anchor begins there, however late the first await is") {
  time.advance(3500ms);

  CHECK(ticks_of(Timer(1s, TimePoint(200ms)), {0ms, 0ms}) == GridTicks{{3, 3500ms}, {1, 4200ms}});
}

TEST_CASE_FIXTURE(Grid, "with an anchor and skip the first await waits for the tick ahead") {
  time.advance(3500ms);

  CHECK(ticks_of(Timer(1s, TimePoint(200ms), Late::skip), {0ms, 0ms}) ==
        GridTicks{{4, 4200ms}, {1, 5200ms}});
}

TEST_CASE_FIXTURE(Grid, "an anchor ahead is no tick: the first is one period later") {
  CHECK(ticks_of(Timer(1s, TimePoint(10s)), {0ms, 0ms}) == GridTicks{{1, 11s}, {1, 12s}});
  CHECK(ticks_of(Timer(1s, TimePoint(20s), Late::skip), {2500ms, 0ms}) ==
        GridTicks{{1, 21s}, {3, 24s}});
}

TEST_CASE_FIXTURE(Grid,
                  "a grid may begin at the beginning of time, and a period end behind its end") {
  const GridTicks first = ticks_of(Timer(1h, TimePoint::min(), Late::skip), {0ms, 0ms});
  REQUIRE(first.size() == 2);
  CHECK(first[0].ticks == 2'562'048);  // in 2^63 ns
  CHECK(first[1] == GridTick{1, first[0].at + 1h});

  Timer never(Duration::max(), TimePoint::max() - 1ns);
  const auto outcome = outcome_of([&]() -> Task<> { co_await with_timeout(1h, never); });
  CHECK(outcome.check<TimeoutError>());
}

TEST_CASE_FIXTURE(LateLoop,
                  "a tick that the reactor is late for is given at once, also with skip") {
  GridTicks seen;
  spawn(reactor, [&]() -> Task<> {
    Timer timer(1s, Late::skip);
    for (;;) {
      const auto ticks = co_await timer;
      seen.push_back({ticks, now()});
    }
  });

  for (const Duration time : {0ms, 1000ms, 3500ms, 3900ms, 4000ms}) at(time);

  CHECK(seen == GridTicks{{1, 1s}, {2, 3500ms}, {1, 4s}});
}

TEST_CASE("a period has to be positive with an anchor, too") {
  CHECK_THROWS_AS(static_cast<void>(Timer(0s, TimePoint())), std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(Timer(-1s, Late::skip)), std::invalid_argument);
}

}  // namespace
