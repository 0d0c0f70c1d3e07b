// SPDX-License-Identifier: MIT
//
// cancel_point: where a task that does not have to wait lets itself be cancelled all the same.
#pragma once

#include "deferred/tasks/task.hpp"
#include "deferred/tasks/waiter.hpp"

namespace deferred {

/// The type of cancel_point.
class [[nodiscard]] CancelPoint {
 public:
  void yield_to(Waiter<void> waiter) const { waiter.resume(); }
};

/// `co_await cancel_point;` goes on at once, without a suspension; in a task that is cancelled, or
/// into which an error was thrown, that is thrown, as at every await. A one-shot cancel is left for
/// an await that waits. For a task that may end without having waited, such as one that reads from
/// a buffer: so it can be cancelled, whatever the buffer holds. (trio: checkpoint_if_cancelled)
inline constexpr CancelPoint cancel_point;

}  // namespace deferred
