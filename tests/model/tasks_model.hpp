// SPDX-License-Identifier: MIT
//
// A model of tasks: calls, scopes, shields, nurseries, cancels and close(), as docs/cancelling.md
// tells them, with a stack of frames for each task, and no coroutines. What can be found out is not
// remembered. Next: tasks_in_model.cpp, for the statements.
#pragma once

#include <algorithm>
#include <array>
#include <deque>
#include <utility>
#include <vector>

#include "tests/model/turns_model.hpp"

namespace deferred::model::plain {

class TasksModel : public TurnsModel {
 protected:
  using TurnsModel::TurnsModel;
  ~TasksModel() = default;
  virtual void run_statement(Task& task, const Statement& statement) = 0;

  void run(Task& task) final {
    task.state = Task::runs;
    if (!std::exchange(task.has_begun, true)) {
      say("begins", task.statement->id, 0);
      enter(task, *task.statement, task.statement->body);
    } else {
      undo(task);
      if (task.wait)
        go_on(task, *task.wait, task.answer);
      else
        children_ended(task, task.answer);
    }
    while (task.state == Task::runs) {
      Frame& frame = task.frames.back();
      if (frame.at == frame.body->size())
        leave(task, {});
      else
        run_statement(task, (*frame.body)[frame.at++]);
    }
    // It gives control back: what was to be closed, up to there, is.
    for (Task* at = &task; at && std::exchange(at->closing, false); at = at->parent()) {
      close_all(*at);
    }
  }

  void wait(Task& task, const Statement& statement) {
    const bool on_deferred = statement.does == Does::deferred;
    if (on_deferred && std::exchange(deferreds_[statement.number].is_given_away, true)) return;
    task.wait = &statement;
    const bool throws = task.throw_next != none;
    const Result thrown = error_of(std::exchange(task.throw_next, none));
    Result result;
    if (on_deferred && (throws || is_cancelled(task))) cancel_deferred(statement.number);
    if (throws) return leave(task, thrown);
    if (is_cancelled(task)) {
      task.state = Task::answered;
      task.answer = error_of(cancelled);
      next_turn_.push_back(&task);
    } else if (!begin_wait(task, statement, result)) {
      go_on(task, statement, result);
    } else if (task.cancel_next && !holds_once(task)) {
      cancel_once(task);
    }
  }
  void go_on(Task& task, const Statement& statement, Result result) {
    if (result.error != none) return leave(task, result);
    say("goes on", statement.id, result.value);
  }

  // Cancels.

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
  void cancel_once(Task& task) {
    const bool can_be_asked = task.state == Task::waits || task.state == Task::answered_ahead;
    task.cancel_next = task.state != Task::done && (!can_be_asked || holds_once(task));
    if (task.state == Task::done || task.cancel_next) return;
    if (!task.wait) {
      task.frames.back().asked_once = true;
      cancel(task.frames.back());
    } else if (task.wait->does == Does::deferred) {
      cancel_deferred(task.wait->number);
    } else {
      answer(task, error_of(cancelled));
    }
  }
  /// Deepest and newest first.
  void close(Task& task) {
    if (task.state == Task::done || task.closing) return;
    if (task.state == Task::runs) {
      task.closing = true;
      return;
    }
    close_all(task);
  }
  void close_all(Task& task) {
    if (task.state == Task::done) return;
    std::vector<Task*> all;
    list_with_children(task, all);
    for (Task* at : all) {
      if (at->state != Task::runs) {
        close_alone(*at);
        continue;
      }
      for (; at != task.parent(); at = at->parent()) at->closing = true;
      return;
    }
  }
  void list_with_children(Task& task, std::vector<Task*>& all) {
    for (std::size_t at = task.frames.size(); at-- != 0;) {
      for (Task* const child : task.frames[at].children) list_with_children(*child, all);
    }
    all.push_back(&task);
  }
  void close_alone(Task& task) {
    undo(task);
    while (!task.frames.empty()) pop(task);
    end(task, error_of(abandoned));
  }

  // Frames.

  Frame& enter(Task& task, const Statement& statement, const Body& body) {
    return task.frames.emplace_back(Frame{&statement, &body, &task});
  }
  Frame pop(Task& task) {
    Frame& frame = task.frames.back();
    if (!frame.has_left) say("left", frame.statement->id, 0);
    std::erase_if(timers_, [&](const Timer& timer) { return timer.scope == &frame; });
    for (Scope& scope : scopes_) std::erase(scope.runs, &frame);
    Frame popped = std::move(frame);
    task.frames.pop_back();
    return popped;
  }
  /// The last body has ended.
  void leave(Task& task, Result result) {
    if (task.frames.back().does() == Does::nursery) return body_ended(task, result);
    const Frame frame = pop(task);
    const Statement& statement = *frame.statement;
    const bool owns_cancel = frame.cancelled && result.error == cancelled && !is_cancelled(task);
    const bool catches = frame.body == &statement.body && result.error != none &&
                         (frame.does() == Does::attempt_all ||
                          (frame.does() == Does::attempt && result.error != cancelled));
    if (catches) {
      say("caught", statement.id, result.error);
      enter(task, statement, statement.otherwise);
    } else if (owns_cancel && frame.does() != Does::in_time) {
      say("gives nothing", statement.id, 0);
    } else {
      give(task, statement, owns_cancel ? error_of(timed_out) : result);
    }
  }
  void give(Task& task, const Statement& statement, Result result) {
    if (task.frames.empty()) return end_of_run(task, result);
    if (result.error != none) return leave(task, result);
    say("gives", statement.id, result.value);
  }
  void end_of_run(Task& task, Result result) {
    if (task.nursery && result.error != none) fail(*task.nursery, result.error);
    end(task, result);
  }
  void end(Task& task, Result result) {
    task.state = Task::done;
    if (task.nursery) {
      std::erase(task.nursery->children, &task);
      Task& owner = *task.nursery->task;
      const bool is_awaited = task.nursery->waits_for_children && owner.state == Task::waits;
      if (task.nursery->children.empty() && is_awaited) answer(owner, {});
    }
    if (result.error == none)
      say("ended", task.statement->id, result.value);
    else
      say("failed", task.statement->id, result.error);
  }

  // Nurseries.

  void fail(Frame& nursery, int error) {
    if (error == cancelled) {
      nursery.was_cut = true;
      return;
    }
    if (nursery.first_error == none) nursery.first_error = error;
    cancel(nursery);
  }
  void body_ended(Task& task, Result result) {
    Frame& nursery = task.frames.back();
    say("left", nursery.statement->id, 0);
    nursery.has_left = true;
    nursery.result = result;
    nursery.was_cancelled = nursery.cancelled;
    if (result.error != none) {
      fail(nursery, result.error);
      cancel(nursery);
    }
    wait_for_children(task);
  }
  void wait_for_children(Task& task) {
    Frame& nursery = task.frames.back();
    if (nursery.children.empty()) return nursery_ends(task);
    nursery.waits_for_children = true;
    if (task.throw_next != none) fail(nursery, std::exchange(task.throw_next, none));
    task.state = Task::waits;
    task.wait = nullptr;
    if (task.cancel_next && !holds_once(task)) cancel_once(task);
  }
  void children_ended(Task& task, Result result) {
    if (result.error != none) fail(task.frames.back(), result.error);
    wait_for_children(task);
  }
  void nursery_ends(Task& task) {
    const Frame nursery = pop(task);
    const bool outside = nursery.asked_once || is_cancelled(task);
    const bool own = nursery.was_cancelled && !outside && nursery.statement->is_void;
    Result result = nursery.result;
    if (nursery.statement->is_void) result.value = 0;
    if (nursery.first_error != none)
      result = error_of(nursery.first_error);
    else if (result.error == cancelled)
      result = own ? Result() : result;
    else if (outside && nursery.was_cut)
      result = error_of(cancelled);
    give(task, *nursery.statement, result);
  }
  void spawn(const Statement& statement, Frame* nursery) {
    Task& task = tasks_.emplace_back(Task{&statement, nursery});
    if (nursery) {
      nursery->children.insert(nursery->children.begin(), &task);
      task.cancelled = is_cancelled_in(*nursery->task, depth_of(*nursery) + 1);
    }
    named_[statement.number] = &task;
    next_turn_.push_back(&task);
  }

  std::deque<Task> tasks_;
  std::array<Task*, most_tasks> named_{};
  std::array<Scope, most_scopes> scopes_;
};

}  // namespace deferred::model::plain
