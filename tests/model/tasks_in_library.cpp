// SPDX-License-Identifier: MIT
#include "tests/model/tasks_in_library.hpp"

#include <chrono>
#include <optional>
#include <utility>

#include "tests/model/tasks_fixture.hpp"

namespace deferred::model {

using Does = Statement::Does;
using Body = std::vector<Statement>;

class TasksInLibrary : private TasksFixture {
 public:
  explicit TasksInLibrary(const TasksProgram& program) : program_(program) {
    for (unsigned number = 0; number != most_deferreds; ++number) {
      if (program.follows[number]) answer_follows(number);
    }
  }

  Log run_program() {
    spawned(0, 0, spawn(reactor, run_task(program_.main, nullptr)));
    run_to_end();
    return std::move(log);
  }

 private:
  Task<int> run_task(const Statement& statement, Nursery* nursery) {
    note("begins", statement.id, 0);
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
      if (statement.does == Does::deferred && !deferred[statement.number].valid()) co_return;
      if (statement.does == Does::handle && !handle[statement.number].valid()) co_return;
      const int value = co_await wait(statement);
      note("goes on", id, value);
      co_return;
    }
    const std::optional<int> value = co_await run_compound(statement, nursery);
    note_given(id, value);
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
        co_await event[statement.number];
        co_return 0;
      case Does::event_in_time:
        co_await with_timeout(time, event[statement.number]);
        co_return 0;
      case Does::deferred:
        co_return co_await std::move(deferred[statement.number]);
      case Does::handle:
        co_return co_await std::move(handle[statement.number]);
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
        co_return co_await scope[statement.number].run(std::move(body));
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
    note("caught", statement.id, caught);
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
        event[number].set();
        return true;
      case Does::clear:
        event[number].clear();
        return true;
      case Does::fire:
        fire(statement.id, promise[number], statement.n);
        return true;
      case Does::fail:
        fire(statement.id, promise[number], failure_of(statement.n));
        return true;
      case Does::cancel_handle:
        if (handle[number].valid()) handle[number].cancel();
        return true;
      case Does::cancel_nursery:
        if (nursery) nursery->cancel();
        return true;
      case Does::cancel_scope:
        scope[number].cancel();
        return true;
      case Does::spawn:
        spawned(statement.id, number, spawn(run_task(statement, nullptr)));
        return true;
      case Does::child:
        if (nursery) spawned(statement.id, number, nursery->spawn(run_task(statement, nursery)));
        return true;
      case Does::cancel:
      case Does::cancel_once:
      case Does::throw_into:
      case Does::close:
      case Does::pause_task:
      case Does::resume_task:
        if (task[number].valid()) run_on(task[number], statement);
        return true;
      default:
        return false;
    }
  }
  void run_on(TaskRef other, const Statement& statement) {
    switch (statement.does) {
      case Does::cancel:
        return other.cancel();
      case Does::cancel_once:
        return other.cancel_once();
      case Does::close:
        return other.close();
      case Does::pause_task:
        return other.pause();
      case Does::resume_task:
        return resume(statement.id, other);
      default:
        return TasksFixture::throw_into(statement.id, other, statement.n);
    }
  }

  const TasksProgram& program_;
};

Log run_tasks_in_library(const TasksProgram& program) {
  return TasksInLibrary(program).run_program();
}

}  // namespace deferred::model
