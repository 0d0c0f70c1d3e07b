// SPDX-License-Identifier: MIT
//
// Timer: ticks on a grid, without drift. Callback code has tasks/looping_call.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <utility>

#include "deferred/reactor/reactor.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/tasks/waiter.hpp"

namespace deferred {

/// What an await of a Timer does that finds its tick passed.
enum class Late : std::uint8_t {
  at_once,  ///< it goes on in the next turn, off the grid
  skip,     ///< it waits for the next tick ahead
};

/// Each `co_await timer` is the next tick of a grid, `period` apart, and gives the number of ticks
/// passed since the last one: 1, or more if the code between took too long. The grid stays where it
/// was; what a late await does `late` says. One at the very point of a tick is not late, whichever
/// tick that is. A tick is taken when it is given: one that is cut off, or loses a race, leaves its
/// ticks to the next await. REQUIRES: one await at a time. (Twisted: LoopingCall.withCount; tokio:
/// Interval, MissedTickBehavior)
class [[nodiscard]] Timer {
 public:
  /// The grid begins at the first await. Throws std::invalid_argument unless `period` is positive.
  [[nodiscard]] explicit Timer(AnyDuration period, Late late = Late::at_once)
      : period_(period), late_(late) {
    if (period_ <= Duration::zero())
      throw std::invalid_argument("Timer: the period must be positive");
  }
  /// The grid begins at `anchor`, which is no tick itself: the first is one period later. If ticks
  /// have passed since then, the first await is late, and counts them.
  [[nodiscard]] Timer(AnyDuration period, TimePoint anchor, Late late = Late::at_once)
      : Timer(period, late) {
    last_ = anchor;
  }

  DelayedCall yield_to(Waiter<std::uint64_t> waiter) & {
    Reactor& reactor = waiter.reactor();
    const TimePoint now = reactor.now();
    if (!last_) last_ = now;
    const Passed passed = passed_at(now);
    const bool on_tick = passed.beyond == Duration::zero();
    const bool is_due = passed.ticks != 0 && (late_ == Late::at_once || on_tick);
    const TimePoint from = passed.ticks != 0 ? now - passed.beyond : *last_;
    return reactor.call_at(is_due ? now : later(from, period_),
                           [this, &reactor, waiter = std::move(waiter)] {
                             if (waiter.pending()) waiter.resume(take(reactor.now()));
                           });
  }

 private:
  struct Passed {
    std::uint64_t ticks;  // since the last one
    Duration beyond;      // since the latest of them
  };
  // A grid may begin so early that only an unsigned number holds how long ago that was.
  Passed passed_at(TimePoint now) const noexcept {
    if (now <= *last_) return {};
    const auto since = static_cast<std::uint64_t>(now.time_since_epoch().count()) -
                       static_cast<std::uint64_t>(last_->time_since_epoch().count());
    const auto period = static_cast<std::uint64_t>(period_.count());
    return {since / period, Duration(static_cast<Duration::rep>(since % period))};
  }
  std::uint64_t take(TimePoint now) noexcept {
    const Passed passed = passed_at(now);
    last_ = now - passed.beyond;
    return passed.ticks;
  }

  Duration period_;
  Late late_;
  std::optional<TimePoint> last_;  // the tick given last, or where the grid begins
};

}  // namespace deferred
