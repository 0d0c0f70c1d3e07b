// SPDX-License-Identifier: MIT
//
// Subtasks on another reactor. What can be told apart in order is tested with two reactors on one
// thread, turned by hand. Runs under ThreadSanitizer too. Cancels that come early or late:
// on_cancelled.cpp.
#include "deferred/threads/on.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/support/counted.hpp"
#include "tests/support/driven.hpp"
#include "tests/support/two.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

Task<int> doubled(int x) {
  co_await Pause(1s);
  co_return 2 * x;
}

TEST_CASE_FIXTURE(Two, "a task runs on the other reactor, and its value comes back") {
  auto spawned = begin(doubled(4));
  CHECK(there->reactor.task_count() == 1);
  CHECK_FALSE(spawned.done());

  there->time.advance(1s);
  CHECK_FALSE(spawned.done());
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 8);
  CHECK(there->reactor.task_count() == 0);
}

TEST_CASE_FIXTURE(Two, "a function is called there, and what it returns comes back") {
  Reactor* called_on = nullptr;
  auto value = begin([&] {
    called_on = detail::running_on_thread;
    return std::make_unique<int>(3);
  });
  auto nothing = begin([] {});

  CHECK(called_on == &there->reactor);
  CHECK(*outcome_of(std::move(value)).value() == 3);
  CHECK(outcome_of(std::move(nothing)).has_value());
}

TEST_CASE_FIXTURE(Two, "what a function returns is awaited there, if it can be") {
  auto task = begin([] { return doubled(1); });
  auto deferred = begin([] { return succeed(2); });
  auto pause = begin([] { return Pause(1s); });

  there->time.advance(1s);
  settle_both();

  CHECK(outcome_of(std::move(task)).value() == 2);
  CHECK(outcome_of(std::move(deferred)).value() == 2);
  CHECK(outcome_of(std::move(pause)).has_value());
}

TEST_CASE_FIXTURE(Two, "an error comes back as what it is") {
  auto thrown = begin([]() -> int { throw std::out_of_range("far"); });
  auto failed = begin([]() -> Task<> {
    co_await Pause{};
    throw Oops("mine");
  });

  CHECK(outcome_of(std::move(thrown)).check<std::out_of_range>());
  CHECK(outcome_of(std::move(failed)).check<Oops>()->text == "mine");
}

TEST_CASE_FIXTURE(Two, "a reactor may be asked for itself") {
  auto spawned = spawn(reactor, [&]() -> Task<int> { co_return co_await on(reactor, doubled(1)); });

  time.advance(2s);

  CHECK(outcome_of(std::move(spawned)).value() == 2);
}

// ---- Cancelling.

/// Notes that it was cancelled, and takes a second to clean up.
Task<int> cleans_up(std::vector<std::string>& notes, bool answers = false) {
  const Outcome<void> slept = co_await as_outcome(Pause(10s));
  notes.push_back(slept.check<Cancelled>() ? "cancelled" : "slept");
  const Outcome<void> again = co_await as_outcome(Pause(1s));
  notes.push_back(again.check<Cancelled>() ? "and again" : "cleaned up");
  if (!answers) throw Cancelled();
  co_return 7;
}

TEST_CASE_FIXTURE(Two, "a cancel goes there, at every await, and is waited for") {
  std::vector<std::string> notes;
  auto spawned = begin(cleans_up(notes));

  spawned.task().cancel();
  settle();
  CHECK_FALSE(spawned.done());
  settle_both();

  CHECK(notes == std::vector<std::string>{"cancelled", "and again"});
  CHECK(outcome_of(std::move(spawned)).check<Cancelled>());
}

TEST_CASE_FIXTURE(Two, "a one-shot cancel goes there once, and is waited for") {
  std::vector<std::string> notes;
  Deferred<int> result = begin(cleans_up(notes));

  result.cancel();
  settle_both();
  CHECK_FALSE(result.fired());
  there->time.advance(1s);
  settle_both();

  CHECK(notes == std::vector<std::string>{"cancelled", "cleaned up"});
  CHECK(std::move(result).result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Two,
                  "a value in spite of a cancel is given, and the cancel hits the next await") {
  std::vector<std::string> notes;
  int got = 0;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    got = co_await on(there->reactor, cleans_up(notes, true));
    co_await Pause{};
    notes.push_back("not reached");
  });
  settle_both();

  spawned.task().cancel();
  settle_both();

  CHECK(got == 7);
  CHECK(notes.size() == 2);
  CHECK(outcome_of(std::move(spawned)).check<Cancelled>());
}

TEST_CASE_FIXTURE(Two, "a level cancel after a one-shot one goes there too") {
  std::vector<std::string> notes;
  auto spawned = begin(cleans_up(notes));
  TaskRef task = spawned.task();
  Deferred<int> result = std::move(spawned);

  result.cancel();
  settle_both();
  task.cancel();
  settle_both();

  CHECK(notes == std::vector<std::string>{"cancelled", "and again"});
  CHECK(std::move(result).result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Two, "a task that is cancelled already begins nothing there") {
  bool called = false;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    [[maybe_unused]] const auto outcome = co_await as_outcome(Pause(1s));
    const auto note = [&] { called = true; };
    co_await on(there->reactor, note);
  });
  settle_both();

  spawned.task().cancel();
  settle_both();

  CHECK_FALSE(called);
  CHECK(outcome_of(std::move(spawned)).check<Cancelled>());
}

TEST_CASE_FIXTURE(Two, "with_timeout cancels what runs there") {
  auto spawned = spawn(
      reactor, [&]() -> Task<> { co_await with_timeout(1s, on(there->reactor, doubled(1))); });
  settle_both();

  time.advance(1s);
  settle_both();

  CHECK(outcome_of(std::move(spawned)).check<TimeoutError>());
  CHECK(there->reactor.task_count() == 0);
}

TEST_CASE_FIXTURE(Two, "an error thrown into the wait is thrown there") {
  std::string caught;
  auto spawned = begin([&]() -> Task<int> {
    try {
      co_await Pause(1s);
    } catch (const Oops& oops) {
      caught = oops.text;
    }
    co_return 1;
  });

  spawned.task().throw_(Oops("from home"));
  settle_both();

  CHECK(caught == "from home");
  CHECK(outcome_of(std::move(spawned)).value() == 1);
}

TEST_CASE_FIXTURE(Two, "close() closes the task there") {
  const auto held = std::make_shared<int>();
  auto spawned = begin([](std::shared_ptr<int> kept) -> Task<> {
    co_await Pause(1s);
    CHECK(kept);
  }(held));

  spawned.task().close();
  CHECK(there->reactor.task_count() == 1);
  settle_both();

  CHECK(there->reactor.task_count() == 0);
  CHECK(held.use_count() == 1);
}

// ---- The end of one of the two.

TEST_CASE_FIXTURE(Two, "the end of the other reactor ends the wait with a clear error") {
  const auto held = std::make_shared<int>();
  auto spawned = begin([](std::shared_ptr<int> kept) -> Task<> {
    co_await Pause(1s);
    CHECK(kept);
  }(held));

  there.reset();
  settle();

  const auto outcome = outcome_of(std::move(spawned));
  REQUIRE(outcome.check<AbandonedError>());
  CHECK(outcome.failure().what().find("other thread's reactor") != std::string::npos);
  CHECK(held.use_count() == 1);
}

TEST_CASE_FIXTURE(Two, "its end before it took the call ends the wait too") {
  const auto held = std::make_shared<int>();
  auto spawned = spawn(reactor, [&, held]() -> Task<> {
    const auto call = [held] {};
    co_await on(there->reactor, call);
  });
  settle();

  there.reset();
  settle();

  CHECK(outcome_of(std::move(spawned)).check<AbandonedError>());
  CHECK(held.use_count() == 1);
}

TEST_CASE_FIXTURE(Two, "when the other reactor stops, the task there is closed and the wait ends") {
  auto spawned = begin(doubled(1));

  there->reactor.stop();
  there->reactor.run();
  settle();

  CHECK(there->reactor.task_count() == 0);
  CHECK(outcome_of(std::move(spawned)).check<AbandonedError>());
}

TEST_CASE_FIXTURE(Two, "a task that comes with the last calls of a run is not begun") {
  auto spawned =
      spawn(reactor, [&]() -> Task<int> { co_return co_await on(there->reactor, doubled(1)); });
  there->reactor.at_shutdown(Phase::after, [&] { settle(); }).detach();

  there->reactor.stop();
  there->reactor.run();
  settle();

  CHECK(outcome_of(std::move(spawned)).check<AbandonedError>());
}

TEST_CASE_FIXTURE(Two, "a reactor that is gone or has stopped is a NoReactorError") {
  const RemoteReactor gone = there->reactor.remote();
  there.reset();
  const auto await_gone = [&]() -> Task<int> { co_return co_await on(gone, doubled(1)); };
  Loop stopped;
  stopped.reactor.stop();
  stopped.reactor.run();
  const auto await_stopped = [&]() -> Task<int> {
    co_return co_await on(stopped.reactor, doubled(1));
  };

  auto first = outcome_of(await_gone());
  auto second = outcome_of(await_stopped());

  CHECK(first.check<NoReactorError>());
  CHECK(second.check<NoReactorError>());
}

TEST_CASE("a cancel does not wait for a reactor that is not there any more") {
  std::optional<Loop> there{std::in_place};
  Loop home;
  auto spawned = spawn(home.reactor,
                       [&]() -> Task<int> { co_return co_await on(there->reactor, doubled(1)); });
  home.settle();
  there->settle();
  there.reset();  // the answer is on its way

  spawned.task().cancel();
  home.settle();

  CHECK(spawned.done());
  CHECK_FALSE(home.outcome_of(std::move(spawned)).has_value());
}

TEST_CASE("the end of the home reactor closes the task there") {
  Loop there;
  const auto held = std::make_shared<int>();
  {
    Loop home;
    spawn(home.reactor, [&, held]() -> Task<> {
      const auto call = [held]() -> Task<> { co_await Pause(1s); };
      co_await on(there.reactor, call);
    }).detach();
    home.settle();
    there.settle();
    CHECK(there.reactor.task_count() == 1);
  }

  there.settle();

  CHECK(there.reactor.task_count() == 0);
  CHECK(held.use_count() == 1);
}

// ---- Real threads.

/// A reactor in a thread of its own, until the end of the scope.
class Elsewhere {
 public:
  Elsewhere() {
    std::atomic<bool> ready{false};
    thread_ = std::thread([&] {
      Reactor reactor;
      remote_.emplace(reactor.remote());
      ready = true;
      ready.notify_one();
      reactor.run();
    });
    ready.wait(false);
  }
  Elsewhere(const Elsewhere&) = delete;
  Elsewhere& operator=(const Elsewhere&) = delete;
  ~Elsewhere() { end(); }
  const RemoteReactor& remote() const { return *remote_; }
  void end() {
    if (!thread_.joinable()) return;
    remote_->stop();
    thread_.join();
  }

 private:
  std::optional<RemoteReactor> remote_;
  std::thread thread_;
};

TEST_CASE_TEMPLATE("a task runs in the other thread, and the caller goes on in its own", On, OnPoll,
                   OnVirtualTime) {
  Elsewhere elsewhere;
  On home;
  const auto me = std::this_thread::get_id();
  const auto body = [&]() -> Task<> {
    const auto where = [] { return std::this_thread::get_id(); };
    const auto there = co_await on(elsewhere.remote(), where);
    CHECK(there != me);
    CHECK(std::this_thread::get_id() == me);
    const auto wait_there = []() -> Task<std::string> {
      co_await Pause(1ms);
      co_return "from there";
    };
    const std::string text = co_await on(elsewhere.remote(), wait_there());
    CHECK(text == "from there");
    const auto fails = []() -> Task<> {
      co_await Pause{};
      throw std::out_of_range("far");
    };
    const Outcome<void> outcome = co_await as_outcome(on(elsewhere.remote(), fails()));
    CHECK(outcome.check<std::out_of_range>());
  };

  home.reactor.run(body());
}

TEST_CASE_FIXTURE(OnPoll, "calls there are cancelled, closed and answered while both go on") {
  Elsewhere elsewhere;
  Counted::reset();
  int values = 0, cancelled = 0;
  const auto work = [&](int i) -> Task<> {
    const auto counts = [i]() -> Task<std::unique_ptr<int>> {
      co_await Pause(std::chrono::microseconds(i % 7 * 100));
      co_return std::make_unique<int>(i);
    };
    const auto outcome = co_await as_outcome(on(elsewhere.remote(), counts));
    if (outcome.has_value()) ++values;
    if (outcome.check<Cancelled>()) ++cancelled;
  };
  int closed = 0;
  const auto body = [&]() -> Task<> {
    std::vector<Spawned<void>> tasks;
    for (int i = 0; i < 300; ++i) {
      tasks.push_back(spawn(reactor, work, i));
      if (i % 5 == 0) co_await Pause(50us);
      if (i % 3 == 0) tasks[static_cast<std::size_t>(i / 2)].task().cancel();
      if (i % 11 == 0 && !tasks.back().done()) {
        tasks.back().task().close();
        ++closed;
      }
    }
    for (auto& task : tasks) {
      [[maybe_unused]] const auto outcome = co_await as_outcome(std::move(task));
    }
  };

  reactor.run(body());

  CHECK(values + cancelled + closed == 300);
}

TEST_CASE("either thread's reactor may end at any time") {
  const auto held = std::make_shared<int>();
  for (int round = 0; round < 100; ++round) {
    std::optional<Elsewhere> elsewhere{std::in_place};
    {
      OnPoll home;
      const auto there = [held]() -> Task<std::shared_ptr<int>> {
        co_await Pause{};
        co_return held;
      };
      for (int i = 0; i < 4; ++i) {
        spawn(home.reactor, [&]() -> Task<> {
          [[maybe_unused]] const auto outcome = co_await as_outcome(on(elsewhere->remote(), there));
        }).detach();
      }
      home.turn();
      if (round & 1) home.turn();
      if (round & 2) elsewhere->end();
      if (round & 4) home.turn();
    }
    elsewhere.reset();
  }

  CHECK(held.use_count() == 1);
}

}  // namespace
