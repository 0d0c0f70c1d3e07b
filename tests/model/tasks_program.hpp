// SPDX-License-Identifier: MIT
//
// TasksProgram: a random program of tasks, as a tree of statements, to be read by the library
// (tasks_in_library.cpp), by a model of it (tasks_in_model.cpp), and by people. Tasks, Events,
// Deferreds and CancelScopes have numbers. A statement about what is not there does nothing.
//
// Not here but in tests/fuzz/families.hpp: joins (all, any, race), Nursery objects, start(), and
// scopes that are told to cancel after a time.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

namespace deferred::model {

constexpr unsigned most_tasks = 8;
constexpr unsigned most_events = 3;
constexpr unsigned most_deferreds = 6;
constexpr unsigned most_scopes = 2;

struct Statement {
  enum class Does : std::uint8_t {
    point,          // awaits cancel_point
    pause,          // awaits Pause{}
    sleep,          // awaits Pause{n ms}
    event,          // awaits the Event
    event_in_time,  // the same, with_timeout of n ms
    deferred,       // awaits the Deferred, which is gone then
    handle,         // awaits the handle of the task, which is gone then
    set,            // the Event
    clear,
    fire,            // the Deferred, with n
    fail,            // or with error n
    error,           // throws error n
    give,            // returns n
    call,            // the body, as a subtask
    attempt,         // the body; what it throws, but for Cancelled, is followed by `otherwise`
    attempt_all,     // the same, Cancelled too
    nursery,         // the body in with_nursery(); one that gives nothing, if `is_void`
    cancel_nursery,  // the innermost
    spawn,           // the body as a task of the reactor
    child,           // or of the innermost nursery
    move_on,         // the body, at most n ms
    in_time,         // the body, with_timeout of n ms
    run_in_scope,    // the body in the CancelScope
    cancel_scope,
    shield,  // the body
    cancel,  // the task
    cancel_once,
    throw_into,  // error n into the task
    close,
    cancel_handle,  // cancel() of the Deferred of its result
    pause_task,
    resume_task,
  };
  Does does = Does::point;
  std::uint32_t id = 0;
  unsigned number = 0;  // of the task, the Event, the Deferred or the CancelScope
  int n = 0;
  bool is_void = false;
  std::vector<Statement> body;
  std::vector<Statement> otherwise;
};

struct TasksProgram {
  Statement main;  // its body is the first task's
  /// By their numbers: what a cancel of the Deferred finds. It is fired with Cancelled, or the
  /// canceller says that an answer follows.
  bool follows[most_deferreds] = {};
};

/// The program of a seed, without the statements of these ids.
TasksProgram make_tasks(std::uint64_t seed, const std::set<std::uint32_t>& without);
/// The ids of all its statements; and of those that have a body a second one, without which the
/// body stands in the statement's place.
std::vector<std::uint32_t> ids_of(const TasksProgram& program);

}  // namespace deferred::model
