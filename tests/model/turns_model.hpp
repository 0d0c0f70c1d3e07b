// SPDX-License-Identifier: MIT
//
// A model of a reactor's turns, in virtual time, and of what tasks wait for: as
// docs/architecture.md and docs/cancelling.md tell it, with lists in which all is looked for. It
// uses nothing of the library, and is in no hurry. Next: tasks_model.hpp, for the tasks.
#pragma once

#include <algorithm>
#include <array>
#include <deque>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/model/log.hpp"
#include "tests/model/tasks_program.hpp"

namespace deferred::model::plain {

using Does = Statement::Does;
using Body = std::vector<Statement>;

constexpr int none = -100;
struct Result {
  int value = 0;
  int error = none;
};
inline Result error_of(int number) { return {0, number}; }

struct Task;
/// A body that is being run: a scope, a nursery, a shield or just a call, as its statement says.
struct Frame {
  const Statement* statement;
  const Body* body;
  Task* task;
  std::size_t at = 0;
  bool has_left = false;
  bool cancelled = false;
  std::vector<Task*> children{};  // the newest first
  int first_error = none;
  bool was_cut = false;     // one of those in it has ended with Cancelled
  bool asked_once = false;  // by a one-shot cancel, as it waited for the children
  bool waits_for_children = false;
  bool was_cancelled = false;  // when the body had ended,
  Result result{};             // with this
  Does does() const { return statement->does; }
};
struct Task {
  const Statement* statement;
  Frame* nursery;  // that it is in, if it is
  enum { waits, answered_ahead, answered, runs, done } state = answered;
  bool has_begun = false;
  bool cancelled = false;
  bool cancel_next = false;  // once, where it has to wait and nothing holds that
  int throw_next = none;
  bool closing = false;             // when the one that runs gives control back
  const Statement* wait = nullptr;  // null: for the children of the last frame
  Result answer{};
  std::deque<Frame> frames{};
  Task* parent() const { return nursery ? nursery->task : nullptr; }
};
struct Event {
  bool is_set = false;
  std::vector<Task*> waiting;
};
struct Deferred {
  bool is_given_away = false;
  bool fired = false;
  Result result;
  Task* waiter = nullptr;
};
struct Scope {
  bool cancelled = false;
  std::vector<Frame*> runs;  // the newest first
};
struct Timer {
  int deadline;
  Task* task;  // is answered,
  Result answer;
  Frame* scope;  // or this is cancelled
};

class TurnsModel {
 public:
  explicit TurnsModel(const TasksProgram& program) : program_(program) {}
  TurnsModel(const TurnsModel&) = delete;
  TurnsModel& operator=(const TurnsModel&) = delete;

 protected:
  ~TurnsModel() = default;
  virtual void run(Task& task) = 0;
  virtual void cancel(Frame& scope) = 0;

  void say(std::string_view what, unsigned whose, int with) {
    if (now_ != told_) log_.push_back({"time", 0, told_ = now_});
    log_.push_back({what, whose, with});
  }

  void run_until_idle() {
    while (!next_turn_.empty() || !timers_.empty()) {
      if (next_turn_.empty()) now_ = next_timer()->deadline;
      turn();
    }
  }
  void turn() {
    ready_.assign(next_turn_.begin(), next_turn_.end());
    next_turn_.clear();
    while (!timers_.empty() && next_timer()->deadline <= now_) {
      const Timer timer = *next_timer();
      timers_.erase(next_timer());
      if (timer.scope) cancel(*timer.scope);
      if (timer.task && timer.task->state == Task::waits) answer(*timer.task, timer.answer);
    }
    while (!ready_.empty()) {
      Task& task = *ready_.front();
      ready_.pop_front();
      if (task.state != Task::done) run(task);
    }
  }
  std::vector<Timer>::iterator next_timer() {
    const auto sooner = [](const Timer& a, const Timer& b) { return a.deadline < b.deadline; };
    return std::min_element(timers_.begin(), timers_.end(), sooner);  // the first of equals
  }

  /// Begins to wait. False: that for which it would is there, and in `result`.
  bool begin_wait(Task& task, const Statement& statement, Result& result) {
    Deferred& deferred = deferreds_[statement.number];
    Event& event = events_[statement.number];
    task.state = Task::waits;
    task.answer = {};
    switch (statement.does) {
      case Does::pause:
        task.state = Task::answered_ahead;
        next_turn_.push_back(&task);
        return true;
      case Does::sleep:
        timers_.push_back({now_ + statement.n, &task, {}, nullptr});
        return true;
      case Does::event:
      case Does::event_in_time:
        if (event.is_set) break;
        event.waiting.push_back(&task);
        if (statement.does == Does::event) return true;
        timers_.push_back({now_ + statement.n, &task, error_of(timed_out), nullptr});
        return true;
      case Does::deferred:
        result = deferred.result;
        if (deferred.fired) break;
        deferred.waiter = &task;
        return true;
      default:
        break;
    }
    task.state = Task::runs;
    return false;
  }
  void answer(Task& task, Result result) {
    if (task.state == Task::waits) ready_.push_back(&task);  // else it stands in the next turn
    task.state = Task::answered;
    task.answer = result;
  }
  /// What a wait has begun ends with it.
  void undo(Task& task) {
    std::erase_if(timers_, [&](const Timer& timer) { return timer.task == &task; });
    for (Event& event : events_) std::erase(event.waiting, &task);
    for (unsigned number = 0; number != most_deferreds; ++number) {
      if (deferreds_[number].waiter != &task) continue;
      deferreds_[number].waiter = nullptr;
      cancel_deferred(number);
    }
  }
  void fire(Deferred& deferred, Result result) {
    deferred.fired = true;
    deferred.result = result;
    if (deferred.waiter && deferred.waiter->state == Task::waits) answer(*deferred.waiter, result);
  }
  void cancel_deferred(unsigned number) {
    if (deferreds_[number].fired) return;
    if (program_.follows[number]) return say("asked", number, 0);
    fire(deferreds_[number], error_of(cancelled));
  }
  void set(Event& event) {
    event.is_set = true;
    for (Task* const waiter : std::exchange(event.waiting, {})) {
      if (waiter->state == Task::waits) answer(*waiter, {});
    }
  }

  const TasksProgram& program_;
  Log log_;
  int now_ = 0;
  int told_ = 0;
  std::array<Event, most_events> events_;
  std::array<Deferred, most_deferreds> deferreds_;
  std::vector<Timer> timers_;  // in the order in which they were set
  std::deque<Task*> next_turn_;
  std::deque<Task*> ready_;
};

}  // namespace deferred::model::plain
