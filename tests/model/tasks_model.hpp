// SPDX-License-Identifier: MIT
//
// A model of tasks: calls, scopes, shields, nurseries and close(), as docs/cancelling.md tells
// them, with a stack of frames for each task, and no coroutines. What can be found out is not
// remembered. Next: tasks_in_model.cpp, for the statements.
#pragma once

#include <algorithm>
#include <array>
#include <deque>
#include <utility>
#include <vector>

#include "tests/model/cancels_model.hpp"

namespace deferred::model::plain {

class TasksModel : public CancelsModel {
 protected:
  using CancelsModel::CancelsModel;
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
    if (statement.does == Does::deferred || statement.does == Does::handle) {
      Deferred* const awaited = awaited_by(statement);
      if (!awaited || std::exchange(awaited->is_given_away, true)) return;
      task.awaited = awaited;
    }
    task.wait = &statement;
    const Result thrown = std::exchange(task.throw_next, {});
    Result result;
    if (thrown.error || is_cancelled(task)) undo(task);
    if (thrown.error) return leave(task, thrown);
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
  Deferred* awaited_by(const Statement& statement) {
    if (statement.does == Does::deferred) return &deferreds_[statement.number];
    Task* const task = named_[statement.number];
    return task ? &task->handle : nullptr;
  }
  void go_on(Task& task, const Statement& statement, Result result) {
    if (result.error) return leave(task, result);
    say("goes on", statement.id, result.value);
  }

  // Ends.

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
    while (!task.frames.empty()) report(pop(task).first);
    Result closed = error_of(abandoned);
    closed.error->reported = true;  // who closes it knows
    end(task, closed);
    report(std::exchange(task.throw_next, {}));
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
    const bool owns_cancel = frame.cancelled && result.is(cancelled) && !is_cancelled(task);
    const bool catches = frame.body == &statement.body && result.error &&
                         (frame.does() == Does::attempt_all ||
                          (frame.does() == Does::attempt && !result.is(cancelled)));
    if (catches) {
      say_error("caught", statement.id, result);
      enter(task, statement, statement.otherwise);
    } else if (owns_cancel && frame.does() != Does::in_time) {
      say("gives nothing", statement.id, 0);
    } else {
      give(task, statement, owns_cancel ? error_of(timed_out) : result);
    }
  }
  void give(Task& task, const Statement& statement, Result result) {
    if (task.frames.empty()) return end_of_run(task, result);
    if (result.error) return leave(task, result);
    say("gives", statement.id, result.value);
  }
  void end_of_run(Task& task, Result result) {
    if (task.nursery && result.error) {
      report(std::exchange(task.throw_next, {}));
      fail(*task.nursery, result);
    }
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
    if (result.error)
      say_error("failed", task.statement->id, result);
    else
      say("ended", task.statement->id, result.value);
    fire(task.handle, result);
  }

  // Nurseries.

  void fail(Frame& nursery, const Result& failed) {
    if (failed.is(cancelled)) {
      nursery.was_cut = true;
      return;
    }
    if (!nursery.first.error)
      nursery.first = failed;
    else if (nursery.first.error != failed.error)  // by another way
      nursery.first.suppressed.push_back(failed.error->number);
    cancel(nursery);
  }
  void body_ended(Task& task, Result result) {
    Frame& nursery = task.frames.back();
    say("left", nursery.statement->id, 0);
    nursery.has_left = true;
    nursery.result = result;
    nursery.was_cancelled = nursery.cancelled;
    if (result.error) {
      fail(nursery, result);
      cancel(nursery);
    }
    wait_for_children(task);
  }
  void wait_for_children(Task& task) {
    Frame& nursery = task.frames.back();
    if (nursery.children.empty()) return nursery_ends(task);
    nursery.waits_for_children = true;
    if (task.throw_next.error) fail(nursery, std::exchange(task.throw_next, {}));
    task.state = Task::waits;
    task.wait = nullptr;
    if (task.cancel_next && !holds_once(task)) cancel_once(task);
  }
  void children_ended(Task& task, Result result) {
    if (result.error) fail(task.frames.back(), result);
    wait_for_children(task);
  }
  void nursery_ends(Task& task) {
    const Frame nursery = pop(task);
    const bool outside = nursery.asked_once || is_cancelled(task);
    give(task, *nursery.statement, given_by(nursery, outside));
  }
  /// The first of these rows that it is.
  static Result given_by(const Frame& nursery, bool outside) {
    const Result& body = nursery.result;
    const bool is_void = nursery.statement->is_void;
    const bool own = nursery.was_cancelled && !outside;
    if (nursery.first.error) return nursery.first;               // a child or the body has thrown
    if (body.is(cancelled) && own && is_void) return {};         // n.cancel() has cut the body,
    if (body.is(cancelled)) return body;                         // and there is no value
    if (outside && nursery.was_cut) return error_of(cancelled);  // cancelled from outside
    return is_void ? Result() : body;                            // all have ended with values
  }
  void spawn(const Statement& statement, Frame* nursery) {
    Task& task = tasks_.emplace_back(Task{&statement, nursery});
    if (nursery) {
      nursery->children.insert(nursery->children.begin(), &task);
      task.cancelled = is_cancelled_in(*nursery->task, depth_of(*nursery) + 1);
    }
    task.handle.of = &task;
    if (named_[statement.number]) drop(named_[statement.number]->handle);
    named_[statement.number] = &task;
    next_turn_.push_back(&task);
  }

  std::deque<Task> tasks_;
  std::array<Task*, most_tasks> named_{};
  std::array<Scope, most_scopes> scopes_;
};

}  // namespace deferred::model::plain
