// SPDX-License-Identifier: MIT
//
// Timer: ticks on a grid, without drift.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>

#include "deferred/reactor/reactor.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/tasks/waiter.hpp"

namespace deferred {

/// Each `co_await timer` is the next tick of a grid that begins at the first await, `period`
/// apart, and gives the number of ticks passed since the last one: 1, or more if the code between
/// took too long; such a late await goes on in the next turn, and the grid stays where it was.
/// (Twisted: LoopingCall.withCount)
class [[nodiscard]] Timer {
 public:
  /// Throws std::invalid_argument unless `period` is positive.
  [[nodiscard]] explicit Timer(AnyDuration period) : period_(period) {
    if (period_ <= Duration::zero())
      throw std::invalid_argument("Timer: the period must be positive");
  }

  DelayedCall yield_to(Waiter<std::uint64_t> waiter) & {
    Reactor& reactor = waiter.reactor();
    const TimePoint now = reactor.now();
    if (!last_) last_ = now;
    const TimePoint next = later(*last_, period_);
    if (now >= next) return schedule(std::move(waiter), Duration::zero(), take(now));
    return reactor.call_at(next, [this, &reactor, waiter = std::move(waiter)] {
      if (waiter.pending()) waiter.resume(take(reactor.now()));
    });
  }

 private:
  std::uint64_t take(TimePoint now) noexcept {
    const auto ticks = (now - *last_) / period_;
    *last_ += ticks * period_;
    return static_cast<std::uint64_t>(ticks);
  }

  Duration period_;
  std::optional<TimePoint> last_;  // the grid point given last
};

}  // namespace deferred
