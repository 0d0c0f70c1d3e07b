// SPDX-License-Identifier: MIT
//
// current_task: which microthread runs this code.
#pragma once

#include "deferred/memory/api.hpp"
#include "deferred/reactor/task_ref.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/tasks/waiter.hpp"

namespace deferred {

/// The type of current_task.
class [[nodiscard]] CurrentTask {
 public:
  /// Throws std::logic_error where no task runs.
  [[nodiscard]] DEFERRED_API TaskRef operator()() const;
  void yield_to(Waiter<TaskRef> waiter) const { waiter.resume(waiter.task()); }
};

/// `TaskRef self = current_task();`, also in a scope that is cancelled; or `co_await current_task`,
/// which is an await as any other. Without a suspension. (PJE: current_task)
inline constexpr CurrentTask current_task;

}  // namespace deferred
