// SPDX-License-Identifier: MIT
//
// Pause: lets others run. The smallest built-in yieldable, and the pattern for a user's own.
#pragma once

#include <string>
#include <utility>

#include "deferred/reactor/delayed_call.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/tasks/waiter.hpp"

namespace deferred {

/// `co_await Pause{}` goes on in the next turn, after I/O and timers had theirs; `Pause{2s}` after
/// that time. (PJE: Pause)
class [[nodiscard]] Pause {
 public:
  [[nodiscard]] Pause() = default;
  [[nodiscard]] explicit Pause(AnyDuration how_long) noexcept : delay(how_long) {}

  DelayedCall yield_to(Waiter<void> waiter) const { return schedule(std::move(waiter), delay); }

  /// "Pause 250 ms", for dumps.
  std::string describe() const {
    return delay <= Duration::zero() ? "Pause" : "Pause " + to_string(delay);
  }

  Duration delay{0};
};

}  // namespace deferred
