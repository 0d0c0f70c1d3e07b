// SPDX-License-Identifier: MIT
//
// current_task: which microthread runs this code.
#pragma once

#include "deferred/reactor/task_ref.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/tasks/waiter.hpp"

namespace deferred {

/// The type of current_task.
class [[nodiscard]] CurrentTask {
 public:
  void yield_to(Waiter<TaskRef> waiter) const { waiter.resume(waiter.task()); }
};

/// `TaskRef self = co_await current_task;`, without a suspension. (PJE: current_task)
inline constexpr CurrentTask current_task;

}  // namespace deferred
