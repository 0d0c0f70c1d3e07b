// SPDX-License-Identifier: MIT
//
// Cancels of on(), and errors thrown into it, that come before the call has begun there or after it
// has ended: none is lost, and no value is.
#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deferred/threads/on.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/current_task.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/support/counted.hpp"
#include "tests/support/two.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

// What it is, and what is suppressed in it.
std::string told(const Failure& failure) {
  std::string text = failure.what();
  for (const Failure& other : failure.suppressed()) text += ", and " + other.what();
  return text;
}

/// Home's task notes what the call gave it, and whether its next two awaits were cancelled.
struct Noting : Two {
  using Notes = std::vector<std::string>;

  template <class F>
  Spawned<void> start(F what) {
    auto spawned = spawn(
        reactor,
        [](RemoteReactor other, F kept, Notes* to) -> Task<> {
          const Outcome<int> got = co_await as_outcome(on(std::move(other), std::move(kept)));
          to->push_back(got.has_value()                   ? std::to_string(got.value())
                        : got.template check<Cancelled>() ? "cancelled"
                                                          : told(got.failure()));
          for (int i = 0; i < 2; ++i) {
            const Outcome<void> next = co_await as_outcome(Pause{});
            to->push_back(next.has_value() ? "went on" : "next cancelled");
          }
        },
        there->reactor.remote(), std::move(what), &notes);
    settle();
    return spawned;
  }
  Notes notes;
};

Task<int> waits(Duration time) {
  co_await Pause(time);
  co_return 3;
}
auto waiting(Duration time) {
  return [time] { return waits(time); };
}

// ---- Before it has begun.

TEST_CASE_FIXTURE(Noting, "a cancel of a call that has not begun ends it at once") {
  const auto held = std::make_shared<int>();
  bool called = false;
  for (const bool level : {true, false}) {
    CAPTURE(level);
    auto spawned = start([&called, held] {
      called = true;
      return 1;
    });
    TaskRef task = spawned.task();
    Deferred<void> result = std::move(spawned);
    if (level) {
      task.cancel();
    } else {
      result.cancel();
    }
    settle();

    CHECK(task.done());
    CHECK(held.use_count() == 1);
    settle_both();
    CHECK_FALSE(called);
  }
  const std::string next = "next cancelled";
  CHECK(notes == Notes{"cancelled", next, next, "cancelled", "went on", "went on"});
}

TEST_CASE_FIXTURE(Noting, "an error thrown into a call that has not begun ends it at once") {
  bool called = false;
  auto spawned = start([&] {
    called = true;
    return 1;
  });

  spawned.task().throw_(Oops("from home"));
  settle();

  CHECK(notes == Notes{"from home", "went on", "went on"});
  settle_both();
  CHECK_FALSE(called);
}

TEST_CASE_FIXTURE(Noting, "close() takes back a call that has not begun") {
  const auto held = std::make_shared<int>();
  bool called = false;
  auto spawned = start([&called, held] {
    called = true;
    return 1;
  });

  spawned.task().close();

  CHECK(held.use_count() == 1);
  settle_both();
  CHECK_FALSE(called);
}

TEST_CASE_FIXTURE(Noting, "a call that was taken back does not mind the end of its reactor") {
  auto spawned = start([] { return 1; });
  spawned.task().cancel();
  settle();

  there.reset();
  settle();

  CHECK(notes.front() == "cancelled");
}

// ---- While a function is called there, or after the end.

TEST_CASE_FIXTURE(Noting, "a one-shot cancel while a function is called hits the next await") {
  std::optional<Deferred<void>> result;
  result = start([&] {
    result->cancel();
    return 1;
  });

  settle_both();

  CHECK(notes == Notes{"1", "next cancelled", "went on"});
}

TEST_CASE_FIXTURE(Noting, "a one-shot cancel that comes after the end there hits the next await") {
  Deferred<void> result = start(waiting(1s));
  there->settle();
  there->time.advance(1s);

  result.cancel();
  settle_both();

  CHECK(notes == Notes{"3", "next cancelled", "went on"});
}

TEST_CASE_FIXTURE(Noting, "a one-shot cancel that found no await there hits the next one here") {
  auto [promise, waited_for] = make_deferred<int>();
  Deferred<void> result = start([&]() -> Task<int> { co_return co_await std::move(waited_for); });
  there->settle();

  // It goes there in the turn in which the task goes on and ends.
  there->reactor.call_from_thread([&] { std::move(promise).callback(4); });
  result.cancel();
  settle_both();

  CHECK(notes == Notes{"4", "next cancelled", "went on"});
}

TEST_CASE_FIXTURE(Noting, "a one-shot cancel that was taken there does not come again here") {
  Deferred<void> result = start([]() -> Task<int> {
    [[maybe_unused]] const auto outcome = co_await as_outcome(Pause(1s));
    co_return 5;
  });
  there->settle();

  result.cancel();
  settle_both();

  CHECK(notes == Notes{"5", "went on", "went on"});
}

TEST_CASE_FIXTURE(Noting, "a value that a task has given is not lost to a stop right behind it") {
  Deferred<void> result = start([&]() -> Task<int> {
    [[maybe_unused]] const auto outcome = co_await as_outcome(Pause(1s));
    there->reactor.stop();
    co_return 3;
  });
  there->settle();

  result.cancel();
  there->reactor.run();
  settle();

  CHECK(notes == Notes{"3", "went on", "went on"});
}

TEST_CASE_FIXTURE(Noting,
                  "a one-shot cancel that a level cancel follows in that turn goes with it") {
  auto [promise, waited_for] = make_deferred<int>();
  TaskRef task_there;
  Deferred<void> result = start([&]() -> Task<int> {
    task_there = current_task();
    co_return co_await std::move(waited_for);
  });
  there->settle();

  there->reactor.call_from_thread([&] { std::move(promise).callback(4); });
  result.cancel();
  settle();
  there->reactor.call_from_thread([&] { task_there.cancel(); });
  settle_both();

  CHECK(notes == Notes{"4", "went on", "went on"});
}

TEST_CASE_FIXTURE(Noting, "an error that somebody there throws too late is reported there") {
  TaskRef task_there;
  Deferred<void> result = start([&]() -> Task<int> {
    task_there = current_task();
    [[maybe_unused]] const auto outcome = co_await as_outcome(Pause(1s));
    there->reactor.post([&] { task_there.throw_(Oops("from there")); });
    co_return 3;
  });
  there->settle();

  result.cancel();
  settle_both();

  CHECK(notes == Notes{"3", "went on", "went on"});
  CHECK(there->unhandled.take() == Notes{"from there"});
}

TEST_CASE_FIXTURE(Noting, "an error that comes while a function is called is given at its end") {
  TaskRef task;
  auto spawned = start([&] {
    task.throw_(Oops("from home"));
    return 1;
  });
  task = spawned.task();

  settle_both();

  CHECK(notes == Notes{"from home", "went on", "went on"});
}

TEST_CASE_FIXTURE(Noting, "of two errors that come too late the last has the first suppressed") {
  TaskRef task;
  auto spawned = start([&] {
    task.throw_(Oops("first"));
    settle();
    task.throw_(Oops("second"));
    return 1;
  });
  task = spawned.task();

  settle_both();

  CHECK(notes.front() == "second, and first");
}

TEST_CASE_FIXTURE(Noting, "a value that is on its way when its reactor goes is not lost") {
  for (const bool gone : {true, false}) {
    CAPTURE(gone);
    notes.clear();
    there.emplace();
    auto spawned = start(waiting(Duration(0)));
    there->settle();
    if (gone) {
      there.reset();
    } else {
      there->reactor.stop();
      there->reactor.run();
    }

    spawned.task().cancel();
    settle();

    CHECK(notes == Notes{"3", "next cancelled", "next cancelled"});
  }
}

TEST_CASE_FIXTURE(Noting, "nor is a one-shot cancel that comes then") {
  Deferred<void> result = start(waiting(Duration(0)));
  there->settle();
  there.reset();

  result.cancel();
  settle();

  CHECK(notes == Notes{"3", "next cancelled", "went on"});
}

TEST_CASE_FIXTURE(Two, "a one-shot cancel past the limit of with_timeout hits the next await") {
  Outcome<void> next;
  std::optional<Deferred<int>> result;
  result = spawn(reactor, [&]() -> Task<int> {
    const auto slow = [&] {
      time.advance(2s);
      result->cancel();
      return 1;
    };
    const int got = co_await with_timeout(1s, on(there->reactor, slow));
    next = co_await as_outcome(Pause{});
    co_return got;
  });
  settle();

  settle_both();

  CHECK(next.check<Cancelled>());
  CHECK((*std::move(result)).result().value() == 1);
}

// ---- The reactor there.

TEST_CASE_FIXTURE(Two, "a task runs on the reactor that was asked, whoever turns it") {
  Loop outer;
  Reactor* function_on = nullptr;
  Reactor* task_on = nullptr;
  auto function = spawn(reactor, [&]() -> Task<> {
    const auto look = [&] { function_on = detail::running_on_thread; };
    co_await on(there->reactor, look);
  });
  auto task = spawn(reactor, [&]() -> Task<> {
    const auto look = [&]() -> Task<> {
      task_on = detail::current_microthread->reactor;
      co_return;
    };
    co_await on(there->reactor, look);
  });
  settle();

  auto turns = spawn(outer.reactor, [&]() -> Task<> {
    there->settle();
    co_return;
  });
  outer.settle();
  settle_both();

  CHECK(function_on == &there->reactor);
  CHECK(task_on == &there->reactor);
  CHECK(outcome_of(std::move(function)).has_value());
  CHECK(outcome_of(std::move(task)).has_value());
  CHECK(outer.outcome_of(std::move(turns)).has_value());
}

TEST_CASE_FIXTURE(Two, "close() reaches a task on a reactor that has crashed") {
  auto spawned = begin(waits(10s));
  there->reactor.call_later(0s, [&] { there->reactor.crash(); }).detach();
  there->reactor.run();
  CHECK(there->reactor.task_count() == 1);

  spawned.task().close();
  there->settle();

  CHECK(there->reactor.task_count() == 0);
}

TEST_CASE_FIXTURE(Two, "a cancel does not wait for a reactor that has crashed") {
  auto spawned = begin(waits(10s));
  there->reactor.call_later(0s, [&] { there->reactor.crash(); }).detach();
  there->reactor.run();

  spawned.task().cancel();
  settle();
  there->settle();

  CHECK(outcome_of(std::move(spawned)).check<Cancelled>());
  CHECK(there->reactor.task_count() == 0);
}

TEST_CASE_FIXTURE(Two, "that a task was closed there is told as it is") {
  TaskRef other;
  auto spawned = begin([&]() -> Task<> {
    auto waited_for = spawn(there->reactor, waits(10s));
    other = waited_for.task();
    [[maybe_unused]] const int got = co_await std::move(waited_for);
  });

  other.close();
  settle_both();

  const auto outcome = outcome_of(std::move(spawned));
  REQUIRE(outcome.check<AbandonedError>());
  CHECK(outcome.failure().what().find("was closed before it had a result") != std::string::npos);
}

}  // namespace
