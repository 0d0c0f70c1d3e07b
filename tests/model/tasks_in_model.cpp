// SPDX-License-Identifier: MIT
#include "tests/model/tasks_in_model.hpp"

#include <utility>

#include "tests/model/tasks_model.hpp"

namespace deferred::model {

namespace plain {

class TasksInModel final : TasksModel {
 public:
  using TasksModel::TasksModel;

  Log run_program() {
    spawn(program_.main, nullptr);
    run_until_idle();
    for (Task& task : tasks_) close(task);
    for (Deferred& deferred : deferreds_) {
      if (!deferred.is_given_away) report(deferred.fired ? deferred.result : error_of(abandoned));
    }
    for (Task* const task : named_) {
      if (task) drop(task->handle);
    }
    for (const Task& task : tasks_) report(task.throw_next);  // it waited no more
    return std::move(log_);
  }

 private:
  void run_statement(Task& task, const Statement& statement) final {
    const auto number = statement.number;
    switch (statement.does) {
      case Does::point:
      case Does::pause:
      case Does::sleep:
      case Does::event:
      case Does::event_in_time:
      case Does::deferred:
      case Does::handle:
        return wait(task, statement);
      case Does::set:
        return set(events_[number]);
      case Does::clear:
        events_[number].is_set = false;
        return;
      case Does::fire:
      case Does::fail:
        say("fires", statement.id, !deferreds_[number].fired);
        if (deferreds_[number].fired) return;
        return fire(deferreds_[number],
                    statement.does == Does::fire ? Result{statement.n} : error_of(statement.n));
      case Does::error:
        return leave(task, error_of(statement.n));
      case Does::give:
        return leave(task, {statement.n});
      case Does::move_on:
      case Does::in_time:
        timers_.push_back(
            {now_ + statement.n, nullptr, {}, &enter(task, statement, statement.body)});
        return;
      case Does::run_in_scope: {
        Frame& frame = enter(task, statement, statement.body);
        frame.cancelled = scopes_[number].cancelled;
        scopes_[number].runs.insert(scopes_[number].runs.begin(), &frame);
        return;
      }
      case Does::call:
      case Does::attempt:
      case Does::attempt_all:
      case Does::nursery:
      case Does::shield:
        enter(task, statement, statement.body);
        return;
      case Does::cancel_scope:
        scopes_[number].cancelled = true;
        for (Frame* const run : scopes_[number].runs) cancel(*run);
        return;
      case Does::cancel_nursery:
        if (Frame* const nursery = nursery_of(task)) cancel(*nursery);
        return;
      case Does::spawn:
        return spawn(statement, nullptr);
      case Does::child:
        if (Frame* const nursery = nursery_of(task)) spawn(statement, nursery);
        return;
      default:
        if (named_[number]) return run_on(*named_[number], task, statement);
    }
  }
  void run_on(Task& other, Task& task, const Statement& statement) {
    if (statement.does == Does::cancel) return cancel(other);
    if (statement.does == Does::cancel_once) return cancel_once(other);
    if (statement.does == Does::close) return close(other);
    if (statement.does == Does::pause_task) return pause(other);
    if (statement.does == Does::resume_task) {
      if (!resume(other)) say("not paused", statement.id, 0);
      return;
    }
    if (statement.does == Does::cancel_handle) {
      if (!other.handle.is_given_away) cancel(other.handle);
      return;
    }
    if (other.state == Task::runs) return say("runs itself", statement.id, 0);
    if (other.state == Task::done) return leave(task, error_of(statement.n));
    if (other.state == Task::answered)
      report(std::exchange(other.throw_next, error_of(statement.n)));  // the new one's turn
    else
      answer(other, error_of(statement.n));
  }
  static Frame* nursery_of(Task& task) {
    for (std::size_t at = task.frames.size(); at-- != 0;) {
      if (task.frames[at].does() == Does::nursery) return &task.frames[at];
    }
    return task.nursery;
  }
};

}  // namespace plain

Log run_tasks_in_model(const TasksProgram& program) {
  return plain::TasksInModel(program).run_program();
}

}  // namespace deferred::model
