// SPDX-License-Identifier: MIT
//
// What can be seen of a reactor's tasks: as data, as JSON, as they run, and those that are slow.
#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "deferred/deferred.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

Task<> naps(Duration time) { co_await Pause{time}; }
Task<> calls_naps() { co_await naps(250ms); }

const TaskInfo& named(const std::vector<TaskInfo>& tasks, const std::string& name) {
  for (const TaskInfo& task : tasks) {
    if (task.name == name) return task;
  }
  throw std::out_of_range(name);
}

TEST_CASE_FIXTURE(Loop,
                  "a task as data has its id, name, state, age, what it waits for, and where") {
  auto task = spawn(reactor, calls_naps()).named("napper");
  CHECK(reactor.tasks().at(0).state == TaskState::fresh);
  settle();
  for (int turn = 0; turn < 3; ++turn) {
    reactor.post([] {});
    settle();
  }

  const std::vector<TaskInfo> tasks = reactor.tasks();

  REQUIRE(tasks.size() == 1);
  CHECK(tasks[0].id == task.task().id());
  CHECK(tasks[0].parent == 0);
  CHECK(tasks[0].name == "napper");
  CHECK(tasks[0].state == TaskState::waiting);
  CHECK(to_string(tasks[0].state) == "waiting");
  CHECK(tasks[0].waits_for == "Pause 250 ms");
  CHECK(tasks[0].age >= 3);
  CHECK_FALSE(tasks[0].cancelled);
  CHECK_FALSE(tasks[0].paused);
  REQUIRE(tasks[0].stack.size() == 2);
  CHECK(to_string(tasks[0].stack[0]).find("seeing.cpp") != std::string::npos);
  CHECK(tasks[0].stack[1].line() == tasks[0].stack[0].line() + 1);
}

TEST_CASE_FIXTURE(Loop,
                  "parents stand before their children, each once, and branches with their wait") {
  auto parent =
      spawn(reactor, []() -> Task<> {
        co_await with_nursery([](Nursery& nursery) -> Task<> {
          nursery.spawn(naps(1h)).named("first child");
          nursery.spawn([]() -> Task<> { co_await race(Pause{1h}, Pause{2h}); }).named("racer");
          co_return;
        });
      }).named("parent");
  settle();

  const std::vector<TaskInfo> tasks = reactor.tasks();

  REQUIRE(tasks.size() == 3);
  CHECK(tasks[0].name == "parent");
  CHECK(named(tasks, "first child").parent == tasks[0].id);
  const TaskInfo& racer = named(tasks, "racer");
  CHECK(racer.parent == tasks[0].id);
  CHECK(racer.branches == std::vector<std::string>{"Pause 3600 s", "Pause 7200 s"});
  parent.task().cancel();
  settle();
}

TEST_CASE_FIXTURE(Loop, "handles of all tasks stand in the order of the tasks as data") {
  auto parent = spawn(reactor, []() -> Task<> {
    co_await with_nursery([](Nursery& nursery) -> Task<> {
      nursery.spawn(naps(1h));
      co_await race(Pause{1h}, Pause{2h});
    });
  });
  auto other = spawn(reactor, naps(1h));
  settle();

  const std::vector<TaskRef> handles = reactor.task_refs();

  const std::vector<TaskInfo> tasks = reactor.tasks();
  REQUIRE(handles.size() == 3);
  REQUIRE(tasks.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(handles[i].id() == tasks[i].id);
  for (TaskRef task : handles) task.close();
  CHECK(reactor.task_count() == 0);
}

TEST_CASE_FIXTURE(Loop, "states: running, ready, cancelled, paused, failed") {
  std::vector<TaskInfo> inside;
  auto runs = spawn(reactor, [&]() -> Task<> {
                inside = reactor.tasks();
                co_return;
              }).named("runs");
  auto fails = spawn(reactor, []() -> Task<> {
    throw std::runtime_error("broken");
    co_return;
  });
  auto shielded = spawn(reactor, []() -> Task<> { co_await shield(naps(1h)); }).named("shielded");
  auto paused = spawn(reactor, naps(1h)).named("paused");
  settle();
  CHECK(named(inside, "runs").state == TaskState::running);

  shielded.task().cancel();
  paused.task().pause();
  const std::vector<TaskInfo> tasks = reactor.tasks();

  CHECK_FALSE(named(tasks, "shielded").cancelled);  // not there where it is
  CHECK(named(tasks, "paused").paused);
  const auto failed = std::find_if(tasks.begin(), tasks.end(), [](const TaskInfo& task) {
    return task.state == TaskState::failed;
  });
  REQUIRE(failed != tasks.end());
  CHECK(failed->error == "std::runtime_error: broken");
  CHECK(outcome_of(std::move(fails)).check<std::runtime_error>());
}

// Its value was read as a failure.
TEST_CASE_FIXTURE(Loop, "a task whose root frame goes is closing, whatever its result") {
  std::vector<TaskInfo> seen;
  struct Looks {
    Reactor& reactor;
    std::vector<TaskInfo>* into;
    Looks(Reactor& of, std::vector<TaskInfo>* to) : reactor(of), into(to) {}
    Looks(Looks&& other) : reactor(other.reactor), into(std::exchange(other.into, nullptr)) {}
    ~Looks() {
      if (into) *into = reactor.tasks();
    }
  };
  const auto body = [](Looks) -> Task<std::string> { co_return std::string(40, 'x'); };
  auto spawned = spawn(reactor, body(Looks(reactor, &seen)));
  settle();

  REQUIRE(seen.size() == 1);
  CHECK(seen[0].state == TaskState::closing);
  CHECK(seen[0].error.empty());
}

TEST_CASE_FIXTURE(Loop, "what a handler has taken away is named by its type") {
  auto [promise, deferred] = make_deferred<int>();
  auto spawned = spawn(reactor, [&]() -> Task<> { co_await std::move(deferred); });
  settle();

  CHECK(reactor.tasks().at(0).waits_for == "deferred::Deferred<int>");
  promise.callback(1);
}

TEST_CASE_FIXTURE(Loop, "a dump as JSON says the same, whatever the names") {
  auto task = spawn(reactor, calls_naps()).named("quotes \" and \\ and \n lines");
  settle();

  const auto dump = nlohmann::json::parse(reactor.dump_tasks(Dump::json));

  REQUIRE(dump.size() == 1);
  CHECK(dump[0]["id"] == task.task().id());
  CHECK(dump[0]["name"] == "quotes \" and \\ and \n lines");
  CHECK(dump[0]["state"] == "waiting");
  CHECK(dump[0]["waits_for"] == "Pause 250 ms");
  CHECK(dump[0]["stack"].size() == 2);
  CHECK(dump[0]["branches"].empty());
}

TEST_CASE_FIXTURE(Loop, "an empty reactor's dump as JSON is an empty array") {
  CHECK(nlohmann::json::parse(reactor.dump_tasks(Dump::json)).empty());
}

TEST_CASE_FIXTURE(Loop, "fifty thousand tasks in each other are dumped, each once") {
  struct Deep {
    static Task<> family(int depth) {
      if (depth == 0) co_return co_await naps(1h);
      const auto body = [depth](Nursery& nursery) -> Task<> {
        nursery.spawn(family(depth - 1));
        co_return;
      };
      co_await with_nursery(body);
    }
  };
  constexpr int depth = 50'000;
  auto spawned = spawn(reactor, Deep::family(depth));
  settle();

  const std::vector<TaskInfo> tasks = reactor.tasks();

  REQUIRE(tasks.size() == depth + 1);
  CHECK(tasks.back().parent == tasks[depth - 1].id);
  spawned.task().close();
}

/// A yieldable that says what it is.
struct Ticket {
  int number;
  static inline std::optional<Waiter<void>> waiter;
  void yield_to(Waiter<void> w) const { waiter.emplace(std::move(w)); }
  std::string describe() const { return "ticket " + std::to_string(number); }
};
struct Broken {
  void yield_to(Waiter<void> w) const { Ticket::waiter.emplace(std::move(w)); }
  std::string describe() const { throw std::runtime_error("cannot say"); }
};

TEST_CASE_FIXTURE(Loop, "a user's yieldable says in dumps what it waits for; or its type does") {
  auto task = spawn(reactor, []() -> Task<> {
    co_await Ticket{7};
    co_await Broken();
  });
  settle();
  CHECK(task.task().where().find("task #1 waiting on ticket 7 at seeing.cpp:") == 0);

  Ticket::waiter->resume();
  settle();
  CHECK(task.task().where().find("Broken at seeing.cpp:") != std::string::npos);

  Ticket::waiter->resume();
  settle();
  CHECK(task.done());
  Ticket::waiter.reset();
}

/// Writes down what it is told.
struct Diary : Tracer {
  void turn_begins(Reactor&) noexcept override { ++turns; }
  void turn_ends(Reactor&) noexcept override { --turns; }
  void task_begins(const TaskRef& task) noexcept override { add("begins", task); }
  void task_runs(const TaskRef& task) noexcept override { add("runs", task); }
  void task_has_run(const TaskRef& task) noexcept override { add("has run", task); }
  void task_ends(const TaskRef& task) noexcept override { add("ends", task); }
  void add(const char* what, const TaskRef& task) {
    text += std::to_string(task.id()) + " " + what + "\n";
  }
  int turns = 0;
  std::string text;
};

TEST_CASE_FIXTURE(Loop, "a tracer is told when tasks begin, run, have run and end, and of turns") {
  Diary diary;
  auto before = spawn(reactor, naps(1s));
  CHECK(reactor.trace(&diary) == nullptr);
  auto after = spawn(reactor, naps(0s));
  settle();
  CHECK(diary.turns == 0);
  time.run_until_idle();

  CHECK(reactor.trace(nullptr) == &diary);
  CHECK(diary.text ==
        "2 begins\n1 runs\n1 has run\n2 runs\n2 has run\n"
        "2 runs\n2 ends\n2 has run\n1 runs\n1 ends\n1 has run\n");
  spawn(reactor, naps(0s));
  settle();
  CHECK(diary.text.find("3 ") == std::string::npos);
}

TEST_CASE_FIXTURE(Loop, "a tracer is not told any more once it is replaced, inside of a turn too") {
  Diary diary;
  reactor.trace(&diary);
  spawn(reactor, [&]() -> Task<> {
    reactor.trace(nullptr);
    co_await Pause{};
  });
  settle();

  CHECK(diary.text == "1 begins\n1 runs\n");
}

TEST_CASE_FIXTURE(Loop, "a task that runs too long is named, with the awaits it ran between") {
  TimePoint clock{};
  std::vector<Slow> reports;
  {
    const SlowReport slow(
        reactor, 50ms, [&](const Slow& report) { reports.push_back(report); },
        [&] { return clock; });
    spawn(reactor, [&]() -> Task<> {
      clock += 10ms;
      co_await Pause{1s};
      clock += 80ms;
      co_await Pause{1s};
      clock += 60ms;
    }).named("parser");
    spawn(reactor, naps(1s)).named("innocent");
    time.run_until_idle();
  }

  REQUIRE(reports.size() == 2);
  CHECK(reports[0].task == "task #1 'parser'");
  CHECK(reports[0].took == 80ms);
  CHECK(reports[0].from.find("seeing.cpp:") == 0);
  CHECK(reports[0].to.find("seeing.cpp:") == 0);
  CHECK(reports[0].from < reports[0].to);  // two lines further on
  CHECK(reports[1].to.empty());
  CHECK(reports[1].text().find("task #1 'parser' ran for 60 ms without a wait, from seeing.cpp:") ==
        0);
  CHECK(reports[1].text().ends_with(" to its end"));
}

TEST_CASE_FIXTURE(Loop, "report_slow() in the middle of a turn measures from there on") {
  int reports = 0;
  outcome_of([&]() -> Task<> {
    const SlowReport slow = report_slow(reactor, 1h, [&](const Slow&) { ++reports; });
    co_await Pause{1s};
  }).value();

  CHECK(reports == 0);
}

TEST_CASE_FIXTURE(Loop, "callbacks of a turn that take too long are reported without a task") {
  TimePoint clock{};
  std::vector<std::string> reports;
  const SlowReport slow(
      reactor, 50ms, [&](const Slow& report) { reports.push_back(report.text()); },
      [&] { return clock; });
  reactor.call_later(1s, [&] { clock += 70ms; }).detach();
  spawn(reactor, [&]() -> Task<> {
    clock += 40ms;
    co_return;
  });

  time.run_until_idle();

  CHECK(reports ==
        std::vector<std::string>{"the callbacks of timers and posts took 70 ms of a turn"});
}

TEST_CASE_FIXTURE(Loop,
                  "report_slow() says nothing of what is quick, and lets a tracer have its say") {
  Diary diary;
  reactor.trace(&diary);
  int reports = 0;
  {
    const SlowReport slow = report_slow(reactor, 1h, [&](const Slow&) { ++reports; });
    outcome_of(calls_naps()).value();
  }

  CHECK(reports == 0);
  CHECK(reactor.trace(nullptr) == &diary);
  CHECK(diary.text.find("1 begins\n1 runs\n1 has run\n") == 0);
}

TEST_CASE("a signal has the tasks of a reactor written down, in its next turn") {
  Reactor reactor;
  const SignalWatch watch = dump_on_signal(reactor, SIGUSR1);
  auto task = spawn(reactor, []() -> Task<> {
    std::raise(SIGUSR1);
    co_await Pause{};
    co_await Pause{1ms};
  });

  reactor.run_until(std::move(task));  // "task #1 waiting on Pause 1 ms at ..." on standard error
}

}  // namespace
