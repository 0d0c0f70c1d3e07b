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
  template <class T>
  static bool is_step(const Task<T>& task) noexcept {
    return task.frame_->kept != ResultFrame::Kept::no;
  }
  template <class T>
  static Task<T> make(ResultFor<T>& frame) noexcept {
    return Task<T>(&frame);
  }
  /// The same frame, whose failure is given as an Outcome; or is thrown, of one that gave that.
  template <class T>
  static Task<Outcome<Delivered<T>>> quiet(Task<T>&& task) noexcept {
    return Task<Outcome<Delivered<T>>>(release(task));
  }
  template <class T>
  static Task<T> throwing(Task<Outcome<Delivered<T>>>&& task) noexcept {
    return Task<T>(release(task));
  }
};

}  // namespace deferred::detail
