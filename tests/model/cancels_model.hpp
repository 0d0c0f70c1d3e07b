// SPDX-License-Identifier: MIT
//
// A model of cancels and pauses: of scopes, tasks and what is in their nurseries, at each await or
// once, as docs/cancelling.md tells them. Next: tasks_model.hpp, for the tasks.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "tests/model/turns_model.hpp"

namespace deferred::model::plain {

class CancelsModel : public TurnsModel {
 protected:
  using TurnsModel::cancel;
  using TurnsModel::TurnsModel;
  ~CancelsModel() = default;

  /// In the first frames of the task.
  static bool is_cancelled_in(const Task& task, std::size_t frames) {
    while (frames-- != 0) {
      if (task.frames[frames].cancelled) return true;
      if (task.frames[frames].does() == Does::shield) return false;
    }
    return task.cancelled;
  }
  static bool is_cancelled(const Task& task) {
    const bool held = !task.frames.empty() && task.frames.back().waits_for_children;
    return !held && is_cancelled_in(task, task.frames.size());
  }
  static bool holds_once(const Task& task) {
    return std::any_of(task.frames.begin(), task.frames.end(),
                       [](const Frame& frame) { return frame.does() == Does::shield; });
  }
  static std::size_t depth_of(const Frame& frame) {
    std::size_t depth = 0;
    while (&frame.task->frames[depth] != &frame) ++depth;
    return depth;
  }
  void cancel(Frame& scope) final {
    scope.cancelled = true;
    tell(*scope.task, depth_of(scope));
  }
  void cancel(Task& task) {
    if (task.state == Task::done) return;
    task.cancelled = true;
    tell(task, 0);
  }
  /// The task, then those in its nurseries from that frame on, up to a shield. The order among them
  /// is promised nowhere: it is the library's.
  void tell(Task& first, std::size_t from) {
    std::vector<Frame*> nurseries;
    const auto cut = [&](Task& task, std::size_t at) {
      for (; at < task.frames.size() && task.frames[at].does() != Does::shield; ++at) {
        if (!task.frames[at].children.empty()) nurseries.push_back(&task.frames[at]);
      }
      const bool can_be_cut = task.state == Task::waits || task.state == Task::answered_ahead;
      if (can_be_cut && is_cancelled(task)) answer(task, error_of(cancelled));
      if (task.cancelled) let_go_on(task);  // as a whole
    };
    cut(first, from);
    while (!nurseries.empty()) {
      Frame& nursery = *nurseries.back();
      nurseries.pop_back();
      for (Task* const child : nursery.children) {
        if (!std::exchange(child->cancelled, true)) cut(*child, 0);
      }
    }
  }
  void cancel_once(Task& task) final {
    const bool can_be_asked = task.state == Task::waits || task.state == Task::answered_ahead;
    task.cancel_next = task.state != Task::done && (!can_be_asked || holds_once(task));
    if (task.state == Task::done || task.cancel_next) return;
    if (!task.wait) {
      task.frames.back().asked_once = true;
      cancel(task.frames.back());
    } else if (task.awaited) {
      cancel(*task.awaited);
    } else {
      answer(task, error_of(cancelled));
    }
  }
  /// One that is cancelled as a whole is held by none.
  void pause(Task& task) {
    if (task.state != Task::done) ++task.pauses;
  }
  /// False: it is not paused.
  bool resume(Task& task) {
    if (task.state == Task::done) return true;
    if (task.pauses == 0) return false;
    if (--task.pauses == 0) let_go_on(task);
    return true;
  }
};

}  // namespace deferred::model::plain
