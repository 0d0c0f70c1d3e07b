// SPDX-License-Identifier: MIT
//
// The clock of all backends on real time, and what a deadline is on loops with coarser ones: never
// early, so rounded up. Not installed.
#pragma once

#include <chrono>
#include <cstdint>

#include "deferred/reactor/backend.hpp"

namespace deferred::reactors {

inline TimePoint steady_now() noexcept {
  return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now());
}

/// How long it is to the deadline: zero if it has passed, max() if there is none.
inline Duration time_left(TimePoint deadline) noexcept {
  if (deadline == TimePoint::min()) return Duration::zero();
  if (deadline == TimePoint::max()) return Duration::max();
  const TimePoint present = steady_now();  // compared first: the difference may not fit
  return deadline > present ? deadline - present : Duration::zero();
}

/// The same in a coarser unit.
template <class Unit>
std::int64_t rounded_up(Duration time) noexcept {
  return std::chrono::ceil<Unit>(time).count();
}

/// The first tick of a steady clock with that unit, counted from the clock's zero, at which the
/// deadline has passed.
template <class Unit>
std::int64_t first_tick(TimePoint deadline) noexcept {
  const Duration since_zero = deadline.time_since_epoch();
  return since_zero > Duration::zero() ? rounded_up<Unit>(since_zero) : 0;
}

}  // namespace deferred::reactors
