// SPDX-License-Identifier: MIT
//
// A model of a reactor's turns, in virtual time, and of what tasks wait for: as
// docs/architecture.md and docs/cancelling.md tell it, with lists in which all is looked for. It
// uses nothing of the library, and is in no hurry. Next: cancels_model.hpp, for what ends a wait.
#pragma once

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/model/log.hpp"
#include "tests/model/tasks_program.hpp"

namespace deferred::model::plain {

using Does = Statement::Does;
using Body = std::vector<Statement>;

struct Error {
  int number;
  bool reported = false;  // once, in however many results it lies
};
struct Result {
  int value = 0;
  std::shared_ptr<Error> error{};  // null: it is the value
  std::vector<int> suppressed{};   // errors that gave way to it, as this result knows it
  bool is(int number) const { return error && error->number == number; }
};
inline Result error_of(int number) { return {0, std::make_shared<Error>(Error{number})}; }

struct Task;
/// One of the program's, or the handle of a task.
struct Deferred {
  unsigned number = 0;
  bool follows = false;  // its canceller says that an answer follows
  Task* of = nullptr;    // whose result it is
  bool is_given_away = false;
  bool is_dropped = false;
  bool being_cancelled = false;
  bool fired = false;
  Result result{};
  Task* waiter = nullptr;
};
/// A body that is being run: a scope, a nursery, a shield or just a call, as its statement says.
struct Frame {
  const Statement* statement;
  const Body* body;
  Task* task;
  std::size_t at = 0;
  bool has_left = false;
  bool cancelled = false;
  std::vector<Task*> children{};  // the newest first
  Result first{};                 // of the errors in it
  bool was_cut = false;           // one of those in it has ended with Cancelled
  bool asked_once = false;        // by a one-shot cancel, as it waited for the children
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
  Result throw_next{};
  bool closing = false;  // when the one that runs gives control back
  int pauses = 0;
  bool held = false;                // by them: it was to go on
  const Statement* wait = nullptr;  // null: for the children of the last frame
  Deferred* awaited = nullptr;      // by that wait, until it is undone
  Result answer{};
  std::deque<Frame> frames{};
  Deferred handle{};
  Task* parent() const { return nursery ? nursery->task : nullptr; }
};
struct Event {
  bool is_set = false;
  std::vector<Task*> waiting;
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
  explicit TurnsModel(const TasksProgram& program) : program_(program) {
    for (unsigned number = 0; number != most_deferreds; ++number) {
      deferreds_[number].number = number;
      deferreds_[number].follows = program.follows[number];
    }
  }
  TurnsModel(const TurnsModel&) = delete;
  TurnsModel& operator=(const TurnsModel&) = delete;

 protected:
  ~TurnsModel() = default;
  virtual void run(Task& task) = 0;
  virtual void cancel(Frame& scope) = 0;
  virtual void cancel_once(Task& task) = 0;

  void say(std::string_view what, unsigned whose, int with) {
    if (now_ != told_) log_.push_back({"time", 0, told_ = now_});
    log_.push_back({what, whose, with});
  }
  void say_error(std::string_view what, unsigned whose, const Result& result) {
    say(what, whose, result.error->number);
    for (const int number : result.suppressed) say("suppressed", whose, number);
  }
  /// Nobody is left to handle it.
  void report(const Result& result) {
    if (!result.error || result.is(cancelled)) return;
    if (!std::exchange(result.error->reported, true)) say("reported", 0, result.error->number);
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
      if (task.state == Task::done) continue;
      task.held = task.pauses != 0 && !task.cancelled;
      if (!task.held) run(task);
    }
  }
  void let_go_on(Task& task) {
    if (std::exchange(task.held, false)) ready_.push_back(&task);
  }
  std::vector<Timer>::iterator next_timer() {
    const auto sooner = [](const Timer& a, const Timer& b) { return a.deadline < b.deadline; };
    return std::min_element(timers_.begin(), timers_.end(), sooner);  // the first of equals
  }

  /// Begins to wait. False: that for which it would is there, and in `result`.
  bool begin_wait(Task& task, const Statement& statement, Result& result) {
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
      case Does::event_in_time: {
        Event& event = events_[statement.number];
        if (event.is_set) break;
        event.waiting.push_back(&task);
        if (statement.does == Does::event) return true;
        timers_.push_back({now_ + statement.n, &task, error_of(timed_out), nullptr});
        return true;
      }
      default:
        if (!task.awaited) break;
        task.awaited->waiter = &task;
        if (!task.awaited->fired) return true;
        result = std::exchange(task.awaited, nullptr)->result;
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
    if (Deferred* const awaited = std::exchange(task.awaited, nullptr)) {
      awaited->waiter = nullptr;
      cancel(*awaited);
    }
  }
  void fire(Deferred& deferred, Result result) {
    deferred.fired = true;
    deferred.result = result;
    if (deferred.is_dropped) return report_of(deferred);
    if (deferred.waiter && deferred.waiter->state == Task::waits) answer(*deferred.waiter, result);
  }
  /// One of a task is the task's, once, and its answer follows.
  void cancel(Deferred& deferred) {
    if (deferred.fired || deferred.being_cancelled) return;
    if (deferred.of) {
      deferred.being_cancelled = true;
      cancel_once(*deferred.of);
      deferred.being_cancelled = false;
    } else if (deferred.follows) {
      say("asked", deferred.number, 0);
    } else {
      fire(deferred, error_of(cancelled));
    }
  }
  void drop(Deferred& deferred) {
    if (deferred.is_given_away || std::exchange(deferred.is_dropped, true)) return;
    if (deferred.fired) report_of(deferred);
  }
  /// Of a child's error its nursery knows.
  void report_of(const Deferred& deferred) {
    if (!deferred.of || !deferred.of->nursery) report(deferred.result);
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
