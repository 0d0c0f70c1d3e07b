// SPDX-License-Identifier: MIT
//
// Microthreads: starting them, their handles, and what is reported of them.
#include "deferred/tasks/spawn.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/current_task.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/support/counted.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/probes.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

Task<int> give(int value) { co_return value; }
Task<int> give_later(int value) {
  co_await Pause(1s);
  co_return value;
}
Task<int> fail_later() {
  co_await Pause(1s);
  throw std::runtime_error("failed later");
}
Task<> pauses(int times, int& done) {
  for (int i = 0; i < times; ++i) {
    co_await Pause{};
    ++done;
  }
}

TEST_CASE_FIXTURE(Loop, "a microthread does not start inside spawn()") {
  auto spawned = spawn(reactor, give(1));

  CHECK_FALSE(spawned.done());
  CHECK(spawned.task().where() == "task #1 has not started");
}

TEST_CASE_FIXTURE(Loop, "a microthread that is spawned in a turn starts in the next turn") {
  std::vector<std::string> notes;
  reactor.post([&] {
    spawn(reactor, [&]() -> Task<> {
      notes.push_back("microthread");
      co_return;
    });
    reactor.post([&] { notes.push_back("next round"); });
  });

  settle();

  CHECK(notes == std::vector<std::string>{"next round", "microthread"});
}

TEST_CASE_FIXTURE(Loop, "microthreads start in the order they were spawned") {
  std::vector<int> order;
  const auto note = [&](int n) -> Task<> {
    order.push_back(n);
    co_return;
  };
  for (int n = 1; n <= 3; ++n) spawn(reactor, note, n);

  settle();

  CHECK(order == std::vector<int>{1, 2, 3});
}

TEST_CASE_FIXTURE(Loop, "a callable's captures live as long as its microthread") {
  const auto kept = std::make_shared<int>(5);
  std::optional<Spawned<int>> spawned;
  spawned = spawn(reactor, [copy = kept]() -> Task<int> {
    co_await Pause(1s);
    co_return *copy;
  });
  CHECK(kept.use_count() == 2);

  time.advance(1s);

  CHECK(outcome_of(*std::move(spawned)).value() == 5);
  CHECK(kept.use_count() == 1);
}

TEST_CASE_FIXTURE(Loop, "a callable is given its arguments, which are kept too") {
  const auto append = [](std::string a, const std::string& b) -> Task<std::string> {
    co_await Pause();
    co_return a + b;
  };
  auto spawned = spawn(reactor, append, std::string("over "), std::string("there"));

  settle();

  CHECK(outcome_of(std::move(spawned)).value() == "over there");
}

TEST_CASE_FIXTURE(Loop, "a callable that returns a Deferred can be spawned") {
  auto spawned = spawn(reactor, [] { return succeed(4); });

  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 4);
}

TEST_CASE_FIXTURE(Loop, "a yieldable that is no task can be spawned, and is kept") {
  auto [promise, deferred] = make_deferred<int>();
  Spawned<int> waiting = spawn(reactor, std::move(deferred));
  Spawned<void> pausing = spawn(reactor, Pause(1s));
  settle();
  CHECK(!waiting.done());
  CHECK(!pausing.done());

  promise.callback(7);
  time.advance(1s);

  CHECK(outcome_of(std::move(waiting)).value() == 7);
  CHECK(pausing.done());
}

TEST_CASE_FIXTURE(Loop, "spawning a task that is not there is a logic_error") {
  CHECK_THROWS_AS(spawn(reactor, Task<int>()), std::logic_error);
}

TEST_CASE_FIXTURE(Loop, "dropping the handle lets the microthread go on") {
  bool finished = false;
  {
    auto spawned = spawn(reactor, [&]() -> Task<> {
      co_await Pause(1s);
      finished = true;
    });
  }

  time.advance(1s);

  CHECK(finished);
  CHECK(reactor.task_count() == 0);
}

// The frame was kept for the handle, and the two kept each other.
TEST_CASE_FIXTURE(Loop, "a microthread may own the object that holds its handle") {
  struct Actor {
    std::vector<Spawned<void>> tasks;
  };
  auto actor = std::make_shared<Actor>();
  const std::weak_ptr<Actor> gone = actor;
  actor->tasks.push_back(spawn(reactor, [actor]() -> Task<> { co_await Pause{}; }));
  actor.reset();

  time.advance();

  CHECK(gone.expired());
}

TEST_CASE_FIXTURE(Loop, "a handle can be awaited while the microthread runs") {
  const auto outcome = outcome_of([&]() -> Task<int> {
    auto spawned = spawn(reactor, give_later(7));
    co_return co_await std::move(spawned);
  });

  CHECK(outcome.value() == 7);
  CHECK(now() == 1s);
}

TEST_CASE_FIXTURE(Loop, "a handle can be awaited after the microthread is done") {
  const auto outcome = outcome_of([&]() -> Task<int> {
    auto spawned = spawn(reactor, give_later(8));
    co_await Pause(5s);
    CHECK(spawned.done());
    co_return co_await std::move(spawned);
  });

  CHECK(outcome.value() == 8);
  CHECK(now() == 5s);
}

TEST_CASE_FIXTURE(Loop,
                  "a failure is thrown where the handle is awaited, before or after the end") {
  outcome_of([&]() -> Task<> {
    auto before = spawn(reactor, fail_later());
    const Outcome<int> one = co_await as_outcome(std::move(before));
    CHECK(one.check<std::runtime_error>());
    auto after = spawn(reactor, fail_later());
    co_await Pause(5s);
    const Outcome<int> two = co_await as_outcome(std::move(after));
    CHECK(two.check<std::runtime_error>());
  }).value();
}

// AsyncTask: of several tasks started first, the error of the second was lost.
TEST_CASE_FIXTURE(Loop,
                  "each of several microthreads that fail throws where its handle is awaited") {
  const auto fails = [](const char* what, Duration after) -> Task<> {
    co_await Pause(after);
    throw std::runtime_error(what);
  };
  std::vector<std::string> caught;

  outcome_of([&]() -> Task<> {
    auto first = spawn(reactor, fails, "first", 2s);
    auto second = spawn(reactor, fails, "second", 1s);
    try {
      co_await std::move(first);
    } catch (const std::runtime_error& e) {
      caught.push_back(e.what());
    }
    try {
      co_await std::move(second);
    } catch (const std::runtime_error& e) {
      caught.push_back(e.what());
    }
  }).value();

  CHECK(caught == std::vector<std::string>{"first", "second"});
  CHECK(unhandled.take().empty());
}

TEST_CASE_FIXTURE(Loop, "a handle becomes a Deferred that fires when the microthread is done") {
  Deferred<int> deferred = spawn(reactor, give_later(9));
  settle();
  REQUIRE_FALSE(deferred.fired());

  time.advance(1s);

  CHECK(std::move(deferred).result().value() == 9);
}

TEST_CASE_FIXTURE(Loop, "a handle of a finished microthread becomes a fired Deferred") {
  auto spawned = spawn(reactor, give(9));
  settle();

  Deferred<int> deferred = std::move(spawned);

  CHECK(std::move(deferred).result().value() == 9);
}

TEST_CASE_FIXTURE(Loop, "callbacks can be added to a handle") {
  int got = 0;
  std::string error;
  bool both = false;
  spawn(reactor, give(3)).add_callback([&](int n) { got = n; }).detach();
  spawn(reactor, fail_later())
      .add_errback([&](const std::runtime_error& e) {
        error = e.what();
        return 0;
      })
      .detach();
  spawn(reactor, give(4)).add_both([&](Outcome<int> o) { both = o.value() == 4; }).detach();

  time.advance(1s);

  CHECK(got == 3);
  CHECK(error == "failed later");
  CHECK(both);
}

TEST_CASE_FIXTURE(Loop, "a result can be move-only, and is never copied") {
  Counted::reset();
  auto unique =
      spawn(reactor, []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(1); });
  auto counted = spawn(reactor, []() -> Task<Counted> { co_return Counted(2); });
  settle();

  CHECK(*outcome_of(std::move(unique)).value() == 1);
  CHECK(outcome_of(std::move(counted)).value().value == 2);
  CHECK(Counted::copies == 0);
  CHECK(Counted::live == 0);
}

TEST_CASE_FIXTURE(Loop, "a result that nobody wants is destroyed when the microthread is done") {
  Counted::reset();
  spawn(reactor, []() -> Task<Counted> { co_return Counted(2); });

  settle();

  CHECK(Counted::live == 0);
}

TEST_CASE_FIXTURE(Loop, "a result that is not fetched is destroyed with the handle") {
  Counted::reset();
  {
    auto spawned = spawn(reactor, []() -> Task<Counted> { co_return Counted(2); });
    settle();
    CHECK(Counted::live == 1);
  }

  CHECK(Counted::live == 0);
}

// ---- What nobody handles.

TEST_CASE_FIXTURE(Loop, "the failure of a microthread without a handle is reported by its label") {
  spawn(reactor, fail_later()).task().set_name("poet");

  time.advance(1s);

  const auto reports = unhandled.take_reports();
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].find("task #1 'poet'") != std::string::npos);
  CHECK(reports[0].find("failed later") != std::string::npos);
  CHECK(reports[0].find("fail_later") != std::string::npos);
}

// AsyncTask: the error of a task that was never awaited was lost.
TEST_CASE_FIXTURE(Loop,
                  "a failure is reported when the handle of a finished microthread is dropped") {
  std::optional spawned = spawn(reactor, fail_later());
  time.advance(1s);
  CHECK(unhandled.take().empty());

  spawned.reset();

  CHECK(unhandled.take() == std::vector<std::string>{"failed later"});
}

TEST_CASE_FIXTURE(Loop, "a microthread that fails leaves the reactor and the others alone") {
  spawn(reactor, fail_later());
  auto other = spawn(reactor, []() -> Task<int> {
    co_await Pause(2s);
    co_return 1;
  });

  time.advance(2s);

  CHECK(unhandled.take().size() == 1);
  CHECK(outcome_of(std::move(other)).value() == 1);
}

// ---- TaskRef.

TEST_CASE_FIXTURE(Loop, "ids count from 1 in each reactor") {
  Loop other;

  CHECK(spawn(reactor, give(1)).task().id() == 1);
  CHECK(spawn(reactor, give(1)).task().id() == 2);
  CHECK(spawn(other.reactor, give(1)).task().id() == 1);
}

TEST_CASE_FIXTURE(Loop, "a TaskRef says where its microthread waits, and who called it") {
  const auto middle = []() -> Task<int> { co_return co_await give_later(1); };
  auto spawned = spawn(reactor, middle());
  settle();

  const std::string where = spawned.task().where();

  CHECK(where.find("task #1 waiting on Pause ") == 0);
  CHECK(where.find("give_later, from spawn.cpp:") != std::string::npos);
}

TEST_CASE_FIXTURE(Loop, "a microthread says of itself that it is running") {
  outcome_of([]() -> Task<> {
    const TaskRef self = co_await current_task;
    CHECK(self.where().find("task #1 is running at spawn.cpp:") == 0);
  }).value();
}

TEST_CASE_FIXTURE(Loop, "a microthread that was answered is ready to go on") {
  Later<int> probe;
  auto spawned = spawn(reactor, [&]() -> Task<> { co_await probe; });
  settle();

  probe.waiter().resume(1);

  CHECK(spawned.task().where().find("task #1 is ready to go on") == 0);
}

TEST_CASE_FIXTURE(Loop, "a TaskRef may outlive its microthread") {
  TaskRef task = spawn(reactor, give(1)).task();

  settle();

  CHECK(task.done());
  CHECK(task.where() == "task #1 is done");
  CHECK_THROWS_AS(task.reactor(), NoReactorError);
  task.cancel();
  task.close();
}

TEST_CASE("a TaskRef may outlive its reactor") {
  std::optional<TaskRef> task;
  {
    Loop loop;
    task = spawn(loop.reactor, give_later(1)).task();
  }

  CHECK(task->done());
  CHECK(task->id() == 1);
}

TEST_CASE_FIXTURE(Loop, "a TaskRef without a microthread is not valid") {
  TaskRef none;
  const TaskRef some = spawn(reactor, give(1)).task();

  CHECK_FALSE(none.valid());
  none = some;
  CHECK(none == some);
}

TEST_CASE_FIXTURE(Loop, "dump_tasks() has a line for each microthread, in the order of the ids") {
  Later<int> probe;
  auto first = spawn(reactor, [&]() -> Task<> { co_await probe; });
  auto second = spawn(reactor, give_later(1));
  second.task().set_name("second");
  settle();
  auto third = spawn(reactor, give(1));

  const std::string dump = reactor.dump_tasks();

  std::vector<std::string> lines;
  for (std::size_t from = 0, to; (to = dump.find('\n', from)) != std::string::npos; from = to + 1) {
    lines.push_back(dump.substr(from, to - from));
  }
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].find("task #1 waiting on deferred::testing::Later<int>") == 0);
  CHECK(lines[1].find("task #2 'second' waiting on Pause") == 0);
  CHECK(lines[2] == "task #3 has not started");
}

TEST_CASE_FIXTURE(Loop, "task_count() counts the microthreads that are not done") {
  auto first = spawn(reactor, give(1));
  auto second = spawn(reactor, give_later(1));
  CHECK(reactor.task_count() == 2);

  settle();
  CHECK(reactor.task_count() == 1);
  time.advance(1s);

  CHECK(reactor.task_count() == 0);
}

TEST_CASE_FIXTURE(Loop, "throw_() throws where the microthread waits") {
  Never probe;
  auto spawned = spawn(reactor, [&]() -> Task<std::string> {
    try {
      co_await probe;
    } catch (const Oops& e) {
      co_return e.text;
    }
    co_return "nothing";
  });
  settle();

  spawned.task().throw_(Oops{"thrown in"});
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == "thrown in");
  CHECK(probe.undone() == 1);
}

// Each Pause{} was answered before the error could reach it, and the loop ran to its end.
TEST_CASE_FIXTURE(Loop, "throw_() reaches a microthread that only pauses at the pause it is in") {
  int done = 0;
  auto spawned = spawn(reactor, pauses(1000, done));
  time.run_once(false);
  const int before = done;

  spawned.task().throw_(std::string("enough"));
  time.advance();

  CHECK(done == before);
  CHECK(*std::move(spawned).deferred().result().check<std::string>() == "enough");
}

TEST_CASE_FIXTURE(Loop, "throw_() does not override an answer: it is thrown at the next await") {
  Later<int> first;
  auto spawned = spawn(reactor, [&]() -> Task<int> {
    const int got = co_await first;
    try {
      co_await Pause(1s);
    } catch (const Oops&) {
      co_return got;
    }
    co_return -1;
  });
  settle();
  first.waiter().resume(5);

  spawned.task().throw_(Oops{});
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 5);
}

TEST_CASE_FIXTURE(Loop, "throw_() before the start is thrown at the first await") {
  bool began = false;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    began = true;
    co_await Pause();
  });

  spawned.task().throw_(Oops{});
  settle();

  CHECK(began);
  CHECK(outcome_of(std::move(spawned)).check<Oops>());
}

// The first one was lost without a word.
TEST_CASE_FIXTURE(
    Loop,
    "a second throw_() before the next await takes the first one's place, which is reported") {
  auto spawned = spawn(reactor, []() -> Task<> { co_await Pause{1h}; });

  spawned.task().throw_(std::string("first"));
  spawned.task().throw_(std::string("second"));
  time.advance();

  CHECK(unhandled.take() == std::vector<std::string>{"first"});
  CHECK(*std::move(spawned).deferred().result().check<std::string>() == "second");
}

TEST_CASE_FIXTURE(Loop, "throw_() into the running microthread is a TaskRunningError") {
  outcome_of([&]() -> Task<> {
    TaskRef self = co_await current_task;
    CHECK_THROWS_AS(self.throw_(Oops{}), TaskRunningError);
  }).value();
}

TEST_CASE_FIXTURE(Loop, "throw_() into a finished microthread is thrown at the caller") {
  TaskRef task = spawn(reactor, give(1)).task();
  settle();

  CHECK_THROWS_AS(task.throw_(Oops{}), Oops);
}

// It followed a null pointer.
// Each was a null pointer's.
TEST_CASE_FIXTURE(Loop, "an empty TaskRef says so") {
  TaskRef empty;

  CHECK_THROWS_AS(static_cast<void>(empty.name()), std::logic_error);
  CHECK_THROWS_AS(empty.set_name("nobody"), std::logic_error);
  CHECK_THROWS_AS(empty.throw_(std::runtime_error("oops")), std::logic_error);
  CHECK_THROWS_AS(static_cast<void>(empty.reactor()), std::logic_error);
  CHECK_THROWS_AS(static_cast<void>(empty.where()), std::logic_error);
  CHECK_THROWS_AS(static_cast<void>(empty.place()), std::logic_error);
}

TEST_CASE_FIXTURE(Loop, "a Spawned that was moved from says so, whatever it is asked for") {
  Spawned<int> spawned = spawn(reactor, []() -> Task<int> { co_return 1; });
  Deferred<int> result = std::move(spawned);
  settle();

  CHECK_THROWS_AS(spawned.task(), std::logic_error);
  CHECK_THROWS_AS(spawned.done(), std::logic_error);
  CHECK_THROWS_AS(std::move(spawned).detach(), std::logic_error);
  CHECK_THROWS_AS(static_cast<void>(std::move(spawned).deferred()), std::logic_error);
  CHECK_THROWS_AS(static_cast<void>(std::move(spawned).add_callback([](int) {})), std::logic_error);
  CHECK(*std::move(result).result() == 1);
}

TEST_CASE_FIXTURE(Loop,
                  "cancel_once() cancels the wait that a microthread is in, and no later one") {
  int cancelled = 0;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    try {
      co_await Pause(1h);
    } catch (const Cancelled&) {
      ++cancelled;
    }
    co_await Pause(1s);
  });
  settle();

  spawned.task().cancel_once();
  time.run_until_idle();

  CHECK(cancelled == 1);
  CHECK(outcome_of(std::move(spawned)).has_value());
  CHECK(now() == 1s);
}

TEST_CASE_FIXTURE(Loop,
                  "cancel_once() of one that is running, or has not begun, is for its next wait") {
  int cancelled = 0;
  const auto naps = [&]() -> Task<> {
    try {
      co_await Pause(1h);
    } catch (const Cancelled&) {
      ++cancelled;
    }
  };
  auto fresh = spawn(reactor, naps);
  fresh.task().cancel_once();
  auto running = spawn(reactor, [&]() -> Task<> {
    TaskRef self = co_await current_task;
    self.cancel_once();
    co_await naps();
  });

  settle();

  CHECK(cancelled == 2);
  CHECK(fresh.done());
  CHECK(running.done());
}

TEST_CASE_FIXTURE(Loop, "a microthread is done while its last frame is destroyed") {
  // It was taken for one that has failed, and its value for a Failure.
  struct Asks {
    Asks(std::string& into, TaskRef& of) : text(&into), task(&of) {}
    Asks(Asks&& other) noexcept : text(std::exchange(other.text, nullptr)), task(other.task) {}
    ~Asks() {
      if (text) *text = task->where();
    }
    std::string* text;
    TaskRef* task;
  };
  std::string text;
  TaskRef task;

  auto spawned = spawn(reactor, [asks = Asks(text, task)]() -> Task<int> { co_return 6; });
  task = spawned.task();
  settle();

  CHECK(text == "task #1 is done");
}

}  // namespace

TEST_CASE_FIXTURE(Loop, "a Spawned that is kept tells whether its microthread has failed") {
  auto fails = spawn(reactor, []() -> Task<int> {
    co_await Pause{};
    throw Oops{"no route"};
  });
  auto ends = spawn(reactor, []() -> Task<int> { co_return 1; });
  CHECK(!fails.failed());

  settle();
  settle();

  CHECK(fails.failed());
  CHECK(!ends.failed());
  CHECK(outcome_of(std::move(fails)).check<Oops>());
}

// It was in no dump any more: the parent waited for something else, and nobody said why.
TEST_CASE_FIXTURE(Loop, "a dump names the tasks that have failed and were not asked") {
  auto fails = spawn(reactor, []() -> Task<int> {
    co_await Pause{};
    throw std::runtime_error("no route");
  });
  fails.task().set_name("get");
  settle();

  CHECK(reactor.dump_tasks() ==
        "task #1 'get' has failed, and its Spawned was not asked yet: std::runtime_error: no "
        "route\n");
  CHECK(outcome_of(std::move(fails)).check<std::runtime_error>());
  CHECK(reactor.dump_tasks().empty());
}

TEST_CASE_FIXTURE(Loop, "a Spawned that has failed may outlive its reactor") {
  std::optional<Spawned<int>> kept;
  {
    reactors::VirtualTime time;
    Reactor other(time);
    kept = spawn(other, []() -> Task<int> { throw Oops{"no route"}; });
    time.advance();
    REQUIRE(kept->failed());
  }

  CHECK(kept->failed());
  CHECK(std::move(*kept).deferred().result().check<Oops>());
}
