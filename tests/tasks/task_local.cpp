// SPDX-License-Identifier: MIT
//
// Variables of which each microthread has its own value.
#include "deferred/tasks/task_local.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "deferred/tasks/deferred_coroutine.hpp"
#include "deferred/tasks/nursery.hpp"
#include "deferred/yieldables/all.hpp"
#include "deferred/yieldables/current_task.hpp"
#include "deferred/yieldables/event.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/race.hpp"
#include "deferred/yieldables/to_deferred.hpp"
#include "tests/support/counted.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

const TaskLocal<std::string> user("nobody");
const TaskLocal<int> level;

TEST_CASE_FIXTURE(Loop, "a variable that was not set has its initial value") {
  CHECK(user.get() == "nobody");
  CHECK(outcome_of([]() -> Task<int> { co_return level.get(); }).value() == 0);
}

TEST_CASE_FIXTURE(Loop, "a value is seen until its Restore is dropped, and then the one before") {
  outcome_of([]() -> Task<> {
    const auto outer = user.set("alice");
    {
      const auto inner = user.set("bob");
      co_await Pause{1s};
      CHECK(user.get() == "bob");
    }
    CHECK(user.get() == "alice");
  }).value();

  CHECK(user.get() == "nobody");
}

TEST_CASE_FIXTURE(Loop, "microthreads that take turns have values of their own") {
  const auto counts = [](int from) -> Task<> {
    const auto restore = level.set(from);
    for (int i = 0; i < 3; ++i) {
      co_await Pause{};
      CHECK(level.get() == from);
    }
  };
  auto first = spawn(reactor, counts, 10);
  auto second = spawn(reactor, counts, 20);
  settle();

  CHECK(first.done());
  CHECK(second.done());
  CHECK(level.get() == 0);
}

// Twisted row 118: captured at the first call, restored at each resume.
TEST_CASE_FIXTURE(Loop, "what is spawned has the values of the moment, and its own from there on") {
  std::vector<std::string> seen;
  const auto child = [&]() -> Task<> {
    seen.push_back("child " + user.get());
    const auto restore = user.set("child's");
    co_await Pause{2s};
    seen.push_back("child " + user.get());
  };
  outcome_of([&]() -> Task<> {
    std::optional<RestoreTaskLocal> restore(user.set("alice"));
    auto spawned = spawn(child);
    restore.reset();
    const auto other = user.set("bob");
    co_await Pause{1s};
    seen.push_back("parent " + user.get());
    co_await std::move(spawned);
  }).value();

  CHECK(seen == std::vector<std::string>{"child alice", "parent bob", "child child's"});
}

TEST_CASE_FIXTURE(Loop, "children of a nursery inherit too, and subtasks share") {
  outcome_of([]() -> Task<> {
    const auto restore = user.set("alice");
    const auto sets = []() -> Task<> {
      CHECK(user.get() == "alice");
      user.set("subtask's").detach();
      co_return;
    };
    co_await sets();
    CHECK(user.get() == "subtask's");
    co_await with_nursery([](Nursery& nursery) -> Task<> {
      nursery.spawn([]() -> Task<> {
        CHECK(user.get() == "subtask's");
        co_return;
      });
      co_return;
    });
  }).value();
}

Deferred<std::string> asks(Reactor&, Deferred<void> gate) {
  co_await std::move(gate);
  co_return user.get();
}

TEST_CASE_FIXTURE(Loop,
                  "a Deferred coroutine has the values of its call, whoever fires what it awaits") {
  auto [promise, gate] = make_deferred<void>();
  std::optional<Deferred<std::string>> answer;
  {
    const auto restore = user.set("caller");
    answer.emplace(asks(reactor, std::move(gate)));
  }
  const auto restore = user.set("who fires");
  promise.callback();
  settle();

  CHECK(std::move(*answer).result().value() == "caller");
}

/// Says at once what its handler sees.
struct Sees {
  void yield_to(Waiter<std::string> waiter) const { waiter.resume(user.get()); }
};

TEST_CASE_FIXTURE(Loop,
                  "a handler sees the values of who waits, in a branch and in to_deferred() too") {
  outcome_of([]() -> Task<> {
    const auto restore = user.set("alice");
    const auto alone = co_await Sees();
    const auto [in_branch] = co_await all(Sees());
    CHECK(alone == "alice");
    CHECK(in_branch == "alice");
    CHECK(to_deferred(Sees()).result().value() == "alice");
  }).value();
}

/// Decides the race that it is in, and looks around after that.
struct Loses {
  Event& decides;
  TaskRef& task;
  std::string& user_seen;
  void yield_to(Waiter<void> waiter) const {
    decides.set();
    task = waiter.task();
    user_seen = user.get();
  }
};

// It was nobody's any more.
TEST_CASE_FIXTURE(Loop, "a handler in which its race is decided is its task's code to its end") {
  outcome_of([]() -> Task<> {
    const auto restore = user.set("alice");
    Event event;
    TaskRef task;
    std::string user_seen;
    co_await race(event, Loses{event, task, user_seen});
    CHECK(task == current_task());
    CHECK(user_seen == "alice");
  }).value();
}

TEST_CASE_FIXTURE(Loop, "a callback sees what whoever fires it sees, and a post what runs it") {
  std::string fired, posted;
  auto [promise, deferred] = make_deferred<void>();
  std::move(deferred).add_callback([&] { fired = user.get(); }).detach();
  outcome_of([&]() -> Task<> {
    const auto restore = user.set("alice");
    reactor.post([&] { posted = user.get(); });
    promise.callback();
    co_return;
  }).value();
  settle();

  CHECK(fired == "alice");
  CHECK(posted == "nobody");
}

TEST_CASE_FIXTURE(Loop, "what is spawned outside of microthreads has the values of its thread") {
  std::optional<RestoreTaskLocal> restore(user.set("main"));
  auto spawned = spawn(reactor, []() -> Task<std::string> { co_return user.get(); });
  restore.reset();
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == "main");
}

TEST_CASE("restores may be dropped in any order: the newest value that is still set is seen") {
  std::optional<RestoreTaskLocal> first(level.set(1));
  std::optional<RestoreTaskLocal> other(user.set("alice"));
  std::optional<RestoreTaskLocal> second(level.set(2));

  first.reset();
  CHECK(level.get() == 2);
  CHECK(user.get() == "alice");
  second.reset();
  CHECK(level.get() == 0);
  other.reset();
  CHECK(user.get() == "nobody");
}

// Each of them stayed until the end of the microthread.
TEST_CASE_FIXTURE(Loop,
                  "a value that is set before the one before is taken away leaves nothing behind") {
  const TaskLocal<std::optional<Counted>> counted;
  Counted::reset();
  outcome_of([&]() -> Task<> {
    std::optional<RestoreTaskLocal> current(counted.set(Counted(0)));
    for (int i = 1; i <= 100; ++i) {
      RestoreTaskLocal next = counted.set(Counted(i));
      current.reset();
      current.emplace(std::move(next));
      CHECK(counted.get()->value == i);
    }
    CHECK(Counted::live == 1);
    co_return;
  }).value();
  CHECK(Counted::live == 0);
}

TEST_CASE_FIXTURE(Loop,
                  "what is taken away in another order is kept by those who have inherited it") {
  std::string seen;
  outcome_of([&]() -> Task<> {
    std::optional<RestoreTaskLocal> name(user.set("alice"));
    const auto number = level.set(1);
    auto child = spawn([&]() -> Task<> {
      co_await Pause{1s};
      seen = user.get() + std::to_string(level.get());
    });
    name.reset();
    CHECK(user.get() == "nobody");
    CHECK(level.get() == 1);
    co_await std::move(child);
  }).value();

  CHECK(seen == "alice1");
}

// At its end the thread's values are gone before it is.
const RestoreTaskLocal until_the_end = level.set(0);

TEST_CASE_FIXTURE(Loop, "a Restore that is dropped elsewhere restores where it was set") {
  std::optional<RestoreTaskLocal> restore;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    restore.emplace(level.set(7));
    co_await Pause{1s};
    CHECK(level.get() == 7);
    co_await Pause{2s};
    CHECK(level.get() == 0);
  });
  time.advance(1500ms);
  const auto here = level.set(3);

  restore.reset();

  CHECK(level.get() == 3);
  time.run_until_idle();
  outcome_of(std::move(spawned)).value();
}

TEST_CASE_FIXTURE(Loop, "values end with the last microthread that has them") {
  const TaskLocal<std::shared_ptr<int>> shared;
  std::weak_ptr<int> alive;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    auto value = std::make_shared<int>(1);
    alive = value;
    shared.set(std::move(value)).detach();
    spawn([&]() -> Task<> {
      co_await Pause{5s};
      CHECK(*shared.get() == 1);
    }).detach();
    co_return;
  });
  time.advance(1s);
  CHECK(spawned.done());
  std::move(spawned).detach();
  CHECK_FALSE(alive.expired());

  time.run_until_idle();

  CHECK(alive.expired());
}

TEST_CASE_FIXTURE(Loop, "the value that another microthread has can be asked for") {
  const auto sets = [](std::string name) -> Task<> {
    const auto restore = user.set(std::move(name));
    auto child = spawn([]() -> Task<> { co_await Pause{2s}; });
    co_await Pause{1s};
    CHECK(user.of(child.task()) == "alice");
  };
  auto alice = spawn(reactor, sets("alice"));
  auto nobody = spawn(reactor, []() -> Task<> { co_await Pause{1s}; });
  CHECK(user.of(alice.task()) == "nobody");

  settle();

  CHECK(user.of(alice.task()) == "alice");
  CHECK(user.of(nobody.task()) == "nobody");
  CHECK(user.get() == "nobody");
  time.run_until_idle();
  CHECK(user.of(alice.task()) == "nobody");
}

TEST_CASE_FIXTURE(Loop, "a microthread that is closed restores in its destructors") {
  auto spawned = spawn(reactor, [&]() -> Task<> {
    const auto restore = level.set(7);
    co_await Pause{1h};
  });
  settle();

  spawned.task().close();

  CHECK(level.get() == 0);
}

}  // namespace
