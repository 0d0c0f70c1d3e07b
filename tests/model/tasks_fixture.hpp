// SPDX-License-Identifier: MIT
//
// TasksFixture: the tasks, Events, Deferreds and CancelScopes of a program, by their numbers, and
// what has happened to them; for the library's run of a program, and for the small test that it is
// printed as.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "deferred/deferred.hpp"
#include "reactors/virtual_time.hpp"
#include "tests/model/errors.hpp"
#include "tests/model/log.hpp"
#include "tests/model/tasks_program.hpp"

namespace deferred::model {

struct TasksFixture {
  TasksFixture() : before(set_unhandled_failure_hook(&reported)), reactor(time) {
    current = this;
    for (unsigned number = 0; number != most_deferreds; ++number) {
      std::tie(promise[number], deferred[number]) = make_deferred<int>();
    }
  }
  TasksFixture(const TasksFixture&) = delete;
  TasksFixture& operator=(const TasksFixture&) = delete;
  ~TasksFixture() { set_unhandled_failure_hook(before); }

  /// When the Deferred is cancelled.
  void answer_follows(unsigned number) {
    std::move(deferred[number]).abandon();
    std::tie(promise[number], deferred[number]) = make_deferred<int>([this, number] {
      note("asked", number, 0);
      return Cancelling::answer_follows;
    });
  }

  void note(std::string_view what, unsigned whose, int with) {
    const auto now = static_cast<int>(
        std::chrono::duration_cast<std::chrono::milliseconds>(reactor.now().time_since_epoch())
            .count());
    if (now != told) log.push_back({"time", 0, told = now});
    log.push_back({what, whose, with});
  }
  void note(std::string_view what, unsigned whose, const Failure& failure) {
    note(what, whose, number_of(failure));
    for (const Failure& each : failure.suppressed()) note("suppressed", whose, number_of(each));
  }
  void note_given(unsigned id, std::optional<int> value) {
    note(value ? "gives" : "gives nothing", id, value.value_or(0));
  }
  static void reported(const Failure& failure, const std::string&) {
    current->note("reported", 0, number_of(failure));
  }
  /// In each body's frame.
  class Leaves {
   public:
    Leaves(TasksFixture& in, unsigned id) noexcept : in_(in), id_(id) {}
    Leaves(const Leaves&) = delete;
    Leaves& operator=(const Leaves&) = delete;
    ~Leaves() { in_.note("left", id_, 0); }

   private:
    TasksFixture& in_;
    unsigned id_;
  };

  /// Its number's last handle is dropped.
  void spawned(unsigned id, unsigned number, Spawned<int> made) {
    task[number] = made.task();
    all.push_back(made.task());
    const auto ended = [this, id](Outcome<int> outcome) {
      outcome.has_value() ? note("ended", id, *outcome) : note("failed", id, outcome.failure());
      return outcome;
    };
    handle[number] = std::move(made).add_both(ended);
  }
  void fire(unsigned id, Promise<int>& of, Outcome<int> outcome) {
    note("fires", id, !of.fired());
    if (of.fired()) return;
    outcome.has_value() ? of.callback(*outcome) : of.errback(outcome.failure());
  }
  void throw_into(unsigned id, TaskRef of, int error) {
    try {
      of.throw_(failure_of(error));
    } catch (const TaskRunningError&) {
      note("runs itself", id, 0);
    }
  }
  void resume(unsigned id, TaskRef of) {
    try {
      of.resume();
    } catch (const NotPausedError&) {
      note("not paused", id, 0);
    }
  }

  /// Runs all, closes what is left, and drops the rest: what is left in it is reported.
  void run_to_end() {
    time.run_until_idle();
    for (std::size_t at = 0; at != all.size(); ++at) all[at].close();
    for (unsigned number = 0; number != most_deferreds; ++number) {
      deferred[number] = Deferred<int>();
      promise[number] = Promise<int>();
    }
    for (Deferred<int>& each : handle) each = Deferred<int>();
    task.fill(TaskRef());
    for (TaskRef& each : all) each = TaskRef();
  }

  inline static TasksFixture* current = nullptr;
  UnhandledFailureHook before;
  Log log;
  int told = 0;  // the time
  std::array<TaskRef, most_tasks> task;
  std::vector<TaskRef> all;
  std::array<Event, most_events> event;
  std::array<Deferred<int>, most_tasks> handle;
  std::array<Promise<int>, most_deferreds> promise;
  std::array<Deferred<int>, most_deferreds> deferred;
  std::array<CancelScope, most_scopes> scope;
  reactors::VirtualTime time;
  Reactor reactor;
};

}  // namespace deferred::model
