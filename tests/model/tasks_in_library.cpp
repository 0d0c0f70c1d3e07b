// SPDX-License-Identifier: MIT
#include "tests/model/tasks_in_library.hpp"

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "deferred/deferred.hpp"
#include "reactors/virtual_time.hpp"
#include "tests/model/errors.hpp"

namespace deferred::model {

using Does = Statement::Does;
using Body = std::vector<Statement>;

class TasksInLibrary {
 public:
  explicit TasksInLibrary(const TasksProgram& program)
      : program_(program), before_(set_unhandled_failure_hook(&reported)), reactor_(time_) {
    current_ = this;
    for (unsigned number = 0; number != most_deferreds; ++number) {
      auto ends = program.follows[number] ? make_deferred<int>([this, number] {
        say("asked", number, 0);
        return Cancelling::answer_follows;
      })
                                          : make_deferred<int>();
      promises_[number] = std::move(ends.first);
      deferreds_[number] = std::move(ends.second);
    }
  }
  TasksInLibrary(const TasksInLibrary&) = delete;
  TasksInLibrary& operator=(const TasksInLibrary&) = delete;
  ~TasksInLibrary() { set_unhandled_failure_hook(before_); }

  Log run_program() {
    note(program_.main, spawn(reactor_, run_task(program_.main, nullptr)));
    time_.run_until_idle();
    for (std::size_t at = 0; at != all_.size(); ++at) all_[at].close();
    // What is left in them is reported.
    for (unsigned number = 0; number != most_deferreds; ++number) {
      deferreds_[number] = Deferred<int>();
      promises_[number] = Promise<int>();
    }
    for (Deferred<int>& handle : handles_) handle = Deferred<int>();
    named_.fill(TaskRef());
    for (TaskRef& task : all_) task = TaskRef();
    return std::move(log_);
  }

 private:
  /// In each body's frame.
  class Leaves {
   public:
    Leaves(TasksInLibrary& in, unsigned id) noexcept : in_(in), id_(id) {}
    Leaves(const Leaves&) = delete;
    Leaves& operator=(const Leaves&) = delete;
    ~Leaves() { in_.say("left", id_, 0); }

   private:
    TasksInLibrary& in_;
    unsigned id_;
  };

  void say(std::string_view what, unsigned whose, int with) {
    const auto now = static_cast<int>(
        std::chrono::duration_cast<std::chrono::milliseconds>(reactor_.now().time_since_epoch())
            .count());
    if (now != told_) log_.push_back({"time", 0, told_ = now});
    log_.push_back({what, whose, with});
  }
  void say(std::string_view what, unsigned whose, const Failure& failure) {
    say(what, whose, number_of(failure));
    for (const Failure& each : failure.suppressed()) say("suppressed", whose, number_of(each));
  }
  static void reported(const Failure& failure, const std::string&) {
    current_->say("reported", 0, number_of(failure));
  }
  /// A task has been spawned. Its number's last handle is dropped.
  void note(const Statement& statement, Spawned<int> spawned) {
    named_[statement.number] = spawned.task();
    all_.push_back(spawned.task());
    const auto ended = [this, id = statement.id](Outcome<int> outcome) {
      outcome.has_value() ? say("ended", id, *outcome) : say("failed", id, outcome.failure());
      return outcome;
    };
    handles_[statement.number] = std::move(spawned).add_both(ended);
  }

  Task<int> run_task(const Statement& statement, Nursery* nursery) {
    say("begins", statement.id, 0);
    co_return co_await run_body(statement, statement.body, nursery);
  }
  Task<int> run_body(const Statement& statement, const Body& body, Nursery* nursery) {
    const Leaves leaves(*this, statement.id);
    for (const Statement& each : body) {
      if (each.does == Does::give) co_return each.n;
      if (each.does == Does::error) throw_error(each.n);
      if (!run_at_once(each, nursery)) co_await run(each, nursery);
    }
    co_return 0;
  }
  Task<> run(const Statement& statement, Nursery* nursery) {
    const unsigned id = statement.id;
    if (statement.body.empty() && is_wait(statement)) {
      if (statement.does == Does::deferred && !deferreds_[statement.number].valid()) co_return;
      if (statement.does == Does::handle && !handles_[statement.number].valid()) co_return;
      const int value = co_await wait(statement);
      say("goes on", id, value);
      co_return;
    }
    const std::optional<int> value = co_await run_compound(statement, nursery);
    say(value ? "gives" : "gives nothing", id, value.value_or(0));
  }

  static bool is_wait(const Statement& statement) {
    switch (statement.does) {
      case Does::point:
      case Does::pause:
      case Does::sleep:
      case Does::event:
      case Does::event_in_time:
      case Does::deferred:
      case Does::handle:
        return true;
      default:
        return false;
    }
  }
  Task<int> wait(const Statement& statement) {
    const std::chrono::milliseconds time(statement.n);
    switch (statement.does) {
      case Does::pause:
        co_await Pause{};
        co_return 0;
      case Does::sleep:
        co_await Pause{time};
        co_return 0;
      case Does::event:
        co_await events_[statement.number];
        co_return 0;
      case Does::event_in_time:
        co_await with_timeout(time, events_[statement.number]);
        co_return 0;
      case Does::deferred:
        co_return co_await std::move(deferreds_[statement.number]);
      case Does::handle:
        co_return co_await std::move(handles_[statement.number]);
      default:
        co_await cancel_point;
        co_return 0;
    }
  }
  Task<std::optional<int>> run_compound(const Statement& statement, Nursery* nursery) {
    const std::chrono::milliseconds time(statement.n);
    switch (statement.does) {
      case Does::attempt:
      case Does::attempt_all:
        co_return co_await attempt(statement, nursery);
      case Does::nursery:
        co_return co_await run_nursery(statement);
      default:
        break;
    }
    Task<int> body = run_body(statement, statement.body, nursery);
    switch (statement.does) {
      case Does::move_on:
        co_return co_await move_on_after(time, std::move(body));
      case Does::in_time:
        co_return co_await with_timeout(time, std::move(body));
      case Does::run_in_scope:
        co_return co_await scopes_[statement.number].run(std::move(body));
      case Does::shield:
        co_return co_await shield(std::move(body));
      default:
        co_return co_await std::move(body);
    }
  }
  Task<int> attempt(const Statement& statement, Nursery* nursery) {
    Failure caught;
    try {
      co_return co_await run_body(statement, statement.body, nursery);
    } catch (...) {
      caught = Failure::current();
      if (statement.does == Does::attempt && caught.check<Cancelled>()) throw;
    }
    say("caught", statement.id, caught);
    co_return co_await run_body(statement, statement.otherwise, nursery);
  }
  Task<int> run_nursery(const Statement& statement) {
    if (statement.is_void) {
      const auto void_body = [&](Nursery& nursery) -> Task<> {
        co_await run_body(statement, statement.body, &nursery);
      };
      co_await with_nursery(void_body);
      co_return 0;
    }
    const auto body = [&](Nursery& nursery) {
      return run_body(statement, statement.body, &nursery);
    };
    co_return co_await with_nursery(body);
  }

  /// False if it is one that may have to wait.
  bool run_at_once(const Statement& statement, Nursery* nursery) {
    const unsigned number = statement.number;
    switch (statement.does) {
      case Does::set:
        events_[number].set();
        return true;
      case Does::clear:
        events_[number].clear();
        return true;
      case Does::fire:
      case Does::fail:
        fire(statement);
        return true;
      case Does::cancel_nursery:
        if (nursery) nursery->cancel();
        return true;
      case Does::cancel_scope:
        scopes_[number].cancel();
        return true;
      case Does::spawn:
        note(statement, spawn(run_task(statement, nullptr)));
        return true;
      case Does::child:
        if (nursery) note(statement, nursery->spawn(run_task(statement, nursery)));
        return true;
      case Does::cancel:
      case Does::cancel_once:
      case Does::throw_into:
      case Does::close:
      case Does::cancel_handle:
      case Does::pause_task:
      case Does::resume_task:
        if (named_[number].valid()) run_on(named_[number], statement);
        return true;
      default:
        return false;
    }
  }
  void fire(const Statement& statement) {
    Promise<int>& promise = promises_[statement.number];
    say("fires", statement.id, !promise.fired());
    if (promise.fired()) return;
    statement.does == Does::fire ? promise.callback(statement.n)
                                 : promise.errback(failure_of(statement.n));
  }
  void run_on(TaskRef task, const Statement& statement) {
    if (statement.does == Does::cancel) return task.cancel();
    if (statement.does == Does::cancel_once) return task.cancel_once();
    if (statement.does == Does::close) return task.close();
    if (statement.does == Does::pause_task) return task.pause();
    if (statement.does == Does::cancel_handle) {
      if (handles_[statement.number].valid()) handles_[statement.number].cancel();
      return;
    }
    try {
      if (statement.does == Does::resume_task) return task.resume();
      task.throw_(failure_of(statement.n));
    } catch (const NotPausedError&) {
      say("not paused", statement.id, 0);
    } catch (const TaskRunningError&) {
      say("runs itself", statement.id, 0);
    }
  }

  const TasksProgram& program_;
  inline static TasksInLibrary* current_ = nullptr;
  UnhandledFailureHook before_;
  Log log_;
  int told_ = 0;
  std::array<TaskRef, most_tasks> named_;
  std::vector<TaskRef> all_;
  std::array<deferred::Event, most_events> events_;
  std::array<Deferred<int>, most_tasks> handles_;
  std::array<Promise<int>, most_deferreds> promises_;
  std::array<Deferred<int>, most_deferreds> deferreds_;
  std::array<CancelScope, most_scopes> scopes_;
  reactors::VirtualTime time_;
  Reactor reactor_;
};

Log run_tasks_in_library(const TasksProgram& program) {
  return TasksInLibrary(program).run_program();
}

}  // namespace deferred::model
