// SPDX-License-Identifier: MIT
#include "deferred/yieldables/pause.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/current_task.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

Task<> pauses(int times, int& done) {
  for (int i = 0; i < times; ++i) {
    co_await Pause{};
    ++done;
  }
}

TEST_CASE_FIXTURE(Loop, "Pause{d} goes on after exactly that time") {
  auto spawned = spawn(reactor, []() -> Task<> { co_await Pause(5s); });
  time.advance(5s - 1ns);
  REQUIRE_FALSE(spawned.done());

  time.advance(1ns);

  CHECK(spawned.done());
}

TEST_CASE_FIXTURE(Loop, "Pause{} goes on in the next turn, after timers that are due") {
  std::vector<std::string> notes;
  spawn(reactor, [&]() -> Task<> {
    reactor.call_later(0s, [&] { notes.push_back("timer"); }).detach();
    reactor.post([&] { notes.push_back("next round"); });
    co_await Pause();
    notes.push_back("after Pause{}");
  });

  settle();

  CHECK(notes == std::vector<std::string>{"next round", "timer", "after Pause{}"});
  CHECK(now() == 0s);
}

TEST_CASE_FIXTURE(Loop, "a negative Pause is Pause{}") {
  const auto outcome = outcome_of([]() -> Task<> { co_await Pause(-1s); });

  CHECK(outcome.has_value());
  CHECK(now() == 0s);
}

TEST_CASE_FIXTURE(Loop, "the longest Pause does not overflow") {
  auto spawned = spawn(reactor, []() -> Task<> { co_await Pause(Duration::max()); });

  time.advance(1h);

  CHECK_FALSE(spawned.done());
}

TEST_CASE_FIXTURE(Loop, "microthreads that pause take turns") {
  std::string order;
  const auto steps = [&](char name) -> Task<> {
    for (int i = 0; i < 3; ++i) {
      order += name;
      co_await Pause();
    }
  };
  spawn(reactor, steps, 'a');
  spawn(reactor, steps, 'b');

  settle();

  CHECK(order == "ababab");
}

// pyos: its transcript, line for line.
TEST_CASE_FIXTURE(Loop, "two microthreads that pause after each line take turns until each ends") {
  std::vector<std::string> printed;
  const auto say = [&](std::string line) { printed.push_back(std::move(line)); };
  const auto body = [&](std::string name, int times) -> Task<> {
    const TaskRef self = co_await current_task;
    for (int i = 0; i < times; ++i) {
      say("I'm " + name + " " + std::to_string(self.id()));
      co_await Pause();
    }
    say("Task " + std::to_string(self.id()) + " terminated");
  };
  spawn(reactor, body, "foo", 3);
  spawn(reactor, body, "bar", 5);

  time.run_until_idle();

  CHECK(printed == std::vector<std::string>{"I'm foo 1", "I'm bar 2", "I'm foo 1", "I'm bar 2",
                                            "I'm foo 1", "I'm bar 2", "Task 1 terminated",
                                            "I'm bar 2", "I'm bar 2", "Task 2 terminated"});
}

// PJE: spawn(task, delay).
TEST_CASE_FIXTURE(Loop,
                  "a delayed spawn is a task that pauses first, and can be cancelled until then") {
  std::string began;
  const auto delayed = [&](Duration delay, char name) -> Task<> {
    co_await Pause(delay);
    began += name;
  };
  spawn(reactor, delayed, 2s, 'b');
  spawn(reactor, delayed, 1s, 'a');
  auto taken_back = spawn(reactor, delayed, 3s, 'c');
  time.advance(2s);
  CHECK(began == "ab");

  taken_back.task().cancel();
  time.advance(2s);

  CHECK(outcome_of(std::move(taken_back)).check<Cancelled>());
  CHECK(began == "ab");
}

TEST_CASE("a Pause describes itself") {
  CHECK(Pause().describe() == "Pause");
  CHECK(Pause(5s).describe() == "Pause 5 s");
}

TEST_CASE_FIXTURE(Loop, "pauses that end at the same time end in the order they began") {
  std::string order;
  const auto one = [&](char name, Duration first, Duration second) -> Task<> {
    co_await Pause(first);
    co_await Pause(second);
    order += name;
  };
  spawn(reactor, one, 'a', 1s, 3s);
  spawn(reactor, one, 'b', 2s, 2s);
  spawn(reactor, one, 'c', 3s, 1s);

  time.advance(4s);

  CHECK(order == "abc");
}

TEST_CASE_FIXTURE(Loop, "a Pause that is cancelled leaves no timer") {
  auto spawned = spawn(reactor, []() -> Task<> { co_await Pause(1h); });
  settle();
  REQUIRE(reactor.timer_count() == 1);

  spawned.task().cancel();
  settle();

  CHECK(reactor.timer_count() == 0);
}

// Each Pause{} was answered before the cancel could reach it, and the loop ran to its end.
TEST_CASE_FIXTURE(Loop, "a one-shot cancel stops a microthread that only pauses") {
  int done = 0;
  Deferred<void> result = spawn(reactor, pauses(1000, done));
  time.run_once(false);
  time.run_once(false);
  const int before = done;

  result.cancel();
  time.advance();

  CHECK(done == before);
  CHECK(std::move(result).result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Loop, "a microthread that only pauses is cancelled at the pause it is in") {
  int done = 0;
  auto spawned = spawn(reactor, pauses(1000, done));
  time.run_once(false);
  const int before = done;

  spawned.task().cancel();
  time.advance();

  CHECK(done == before);
  CHECK(std::move(spawned).deferred().result().check<Cancelled>());
}

// PJE's microthreads: the pause's timer still resumed the task.
TEST_CASE_FIXTURE(Loop, "a Pause that was interrupted by throw_() resumes nothing") {
  std::vector<Duration> wakes;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    const Outcome<void> first = co_await as_outcome(Pause(1s));
    CHECK(first.check<Oops>());
    wakes.push_back(now());
    co_await Pause(10s);
    wakes.push_back(now());
  });
  settle();

  spawned.task().throw_(Oops());
  time.run_until_idle();

  CHECK(wakes == std::vector<Duration>{0s, 10s});
}

}  // namespace
