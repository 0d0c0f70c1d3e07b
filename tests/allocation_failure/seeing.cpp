// SPDX-License-Identifier: MIT
//
// What looks at tasks, holds them, and gives them values of their own.
#include <csignal>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/allocation_failure/programs.hpp"

using namespace std::chrono_literals;

namespace deferred::testing {
namespace {

/// Does `f()`, which may fail for want of memory. True: it has done it.
template <class F>
bool succeeds(F f) {
  try {
    f();
    return true;
  } catch (const std::bad_alloc&) {
    right(allocation_failed(), "it fails for want of memory that is there");
    return false;
  }
}

void tasks_as_data(Reactor& reactor) {
  Spawned<void> spawned = spawn(reactor, []() -> Task<> { co_await Pause{1h}; });
  const ClosedAtEnd closed(spawned.task());
  turns(reactor, 1);
  std::vector<TaskInfo> tasks;
  if (succeeds([&] { tasks = reactor.tasks(); })) {
    right(tasks.size() == 1, "a task is missed");
    // Without memory for what it says of itself, its type is named.
    right(tasks[0].waits_for == "Pause 3600 s" || allocation_failed(), "a task waits for another");
  }
  std::vector<TaskRef> handles;
  if (succeeds([&] { handles = reactor.task_refs(); })) {
    right(handles.size() == 1 && handles[0] == spawned.task(), "a handle is missed");
  }
  std::string json;
  if (succeeds([&] { json = reactor.dump_tasks(Dump::json); })) {
    right(json.starts_with("[{\"id\":1,"), "a dump says something else");
  }
}
void descriptions(Reactor&) {
  std::string text;
  if (succeeds([&] { text = Readable{3}.describe(); })) {
    right(text == "descriptor 3 to be readable", "it says something else");
  }
  if (succeeds([&] { text = Writable{3}.describe(); })) {
    right(text == "descriptor 3 to be writable", "it says something else");
  }
  succeeds([] { Pause{1s}.describe(); });
  succeeds([] {
    io::Stream stream;
    char byte;
    stream.read_some({&byte, 1}).describe();
  });
}
/// Counts.
struct Counts : Tracer {
  void turn_begins(Reactor& reactor) noexcept override {
    Tracer::turn_begins(reactor);
    ++turns;
  }
  void turn_ends(Reactor& reactor) noexcept override { Tracer::turn_ends(reactor); }
  void task_begins(const TaskRef& task) noexcept override {
    Tracer::task_begins(task);
    ++begun;
  }
  void task_runs(const TaskRef& task) noexcept override { Tracer::task_runs(task); }
  void task_has_run(const TaskRef& task) noexcept override { Tracer::task_has_run(task); }
  void task_ends(const TaskRef& task) noexcept override {
    Tracer::task_ends(task);
    ++ended;
  }
  int turns = 0, begun = 0, ended = 0;
};
void traced(Reactor& reactor) {
  Counts counts;
  Spawned<void> before = spawn(reactor, Pause{1ms});
  const ClosedAtEnd closed(before.task());
  if (!succeeds([&] { reactor.trace(&counts); })) return;
  struct Untraced {
    Reactor& reactor;
    ~Untraced() { reactor.trace(nullptr); }
  } untraced{reactor};
  has_value_or_no_memory(end_of(reactor, spawn(reactor, Pause{1ms})));
  right(counts.begun == 1 && counts.ended >= 1 && counts.turns != 0, "a tracer is not told");
}
void slow(Reactor& reactor) {
  TimePoint clock{};
  int reports = 0;
  if (!succeeds([&] { const auto quiet = report_slow(reactor, 1h, [](const Slow&) {}); })) return;
  if (!succeeds([&] { const auto prints = report_slow(reactor, 1h); })) return;
  std::optional<SlowReport> report;
  const auto make = [&] {
    report.emplace(
        reactor, AnyDuration(50ms),
        [&](const Slow& found) {
          found.text();
          ++reports;
        },
        [&] { return clock; });
  };
  if (!succeeds(make)) return;
  const auto body = [&]() -> Task<> {
    clock += 80ms;
    co_return;
  };
  has_value_or_no_memory(end_of(reactor, body));
  right(reports == 1 || allocation_failed(), "a slow task is not reported");
}
void dumped_on_signal(Reactor& reactor) {
  succeeds([&] { const SignalWatch watch = dump_on_signal(reactor, SIGUSR1); });
}
void task_paused(Reactor& reactor) {
  Spawned<void> spawned = spawn(reactor, Pause{1ms});
  TaskRef task = spawned.task();
  const ClosedAtEnd closed(task);
  if (!succeeds([&] { task.pause(); })) return;
  turns(reactor, 2);
  right(!task.done(), "a paused task goes on");
  task.resume();
  has_value_or_no_memory(end_of(reactor, std::move(spawned)));
}
void values_of_tasks(Reactor& reactor) {
  const TaskLocal<int> level(1);
  const TaskLocal<std::string> name;
  const auto child = [&]() -> Task<int> {
    co_await Pause{};
    co_return level.get();
  };
  const auto body = [&]() -> Task<int> {
    const RestoreTaskLocal restore = level.set(2);
    right(level.of(TaskRef::running()) == 2, "its value is not the one that was set");
    name.set("somebody").detach();
    Spawned<int> spawned = spawn(child);
    const int seen = co_await std::move(spawned);
    co_return seen;
  };
  has_value_or_no_memory(end_of(reactor, body), 2);
  right(level.get() == 1, "a value is seen elsewhere");
}

}  // namespace

Programs seeing_programs() {
  return {
      {"tasks as data",
       {"deferred::Reactor::tasks()", "deferred::Reactor::task_refs()"},
       &tasks_as_data},
      {"what a wait says of itself",
       {"deferred::Pause::describe()", "deferred::Readable::describe()",
        "deferred::Writable::describe()", "deferred::io::ReadSome::describe()"},
       &descriptions},
      {"a Tracer",
       {"deferred::Reactor::trace()", "deferred::Tracer::turn_begins()",
        "deferred::Tracer::turn_ends()", "deferred::Tracer::task_begins()",
        "deferred::Tracer::task_runs()", "deferred::Tracer::task_has_run()",
        "deferred::Tracer::task_ends()"},
       &traced},
      {"report_slow",
       {"deferred::report_slow()", "deferred::SlowReport::SlowReport()", "deferred::Slow::text()"},
       &slow},
      {"dump_on_signal", {"deferred::dump_on_signal()"}, &dumped_on_signal},
      {"TaskRef::pause()",
       {"deferred::TaskRef::pause()", "deferred::TaskRef::resume()"},
       &task_paused},
      {"TaskLocal",
       {"deferred::TaskLocal::TaskLocal()", "deferred::TaskLocal::get()",
        "deferred::TaskLocal::of()", "deferred::TaskLocal::set()",
        "deferred::RestoreTaskLocal::RestoreTaskLocal()", "deferred::RestoreTaskLocal::detach()"},
       &values_of_tasks},
  };
}

}  // namespace deferred::testing
