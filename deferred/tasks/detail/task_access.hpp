// SPDX-License-Identifier: MIT
//
// TaskAccess: what the machinery may do with a Task that its users may not.
#pragma once

#include <utility>

#include "deferred/reactor/detail/wait.hpp"
#include "deferred/yieldable.hpp"

namespace deferred::detail {

struct TaskAccess {
  /// The frame, which is the caller's to destroy now; null after a move.
  template <class T>
  static ResultFor<T>* release(Task<T>& task) noexcept {
    return std::exchange(task.frame_, nullptr);
  }
};

}  // namespace deferred::detail
