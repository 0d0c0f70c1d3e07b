// SPDX-License-Identifier: MIT
// What went wrong once, each named by what it should have done. The comment says what it did.
#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "deferred/tasks/deferred_coroutine.hpp"
#include "deferred/tasks/value.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/deferred.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "reactors/virtual_time.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace std::chrono_literals;
using deferred::testing::Loop;

namespace {

Task<> pauses(int times, int& done) {
  for (int i = 0; i < times; ++i) {
    co_await Pause{};
    ++done;
  }
}

}  // namespace

// The node was freed under its own callable's destructor.
TEST_CASE_FIXTURE(Loop, "a timer's callable may own the handle that cancels it") {
  struct Owner : std::enable_shared_from_this<Owner> {
    DelayedCall timer;
  };
  auto owner = std::make_shared<Owner>();
  const std::weak_ptr<Owner> gone = owner;
  Owner& alive = *owner;
  alive.timer =
      reactor.call_later(1s, [name = std::string(100, 'x'), owner] { CHECK(!name.empty()); });
  owner.reset();

  alive.timer.cancel();

  CHECK(gone.expired());
}

// The inner registration was removed from the vector that was being erased from.
TEST_CASE_FIXTURE(Loop, "a handler's captures may hold another registration for its type") {
  auto inner = std::make_shared<Registration>(
      reactor.registry().when_type<Pause>([](const Pause&, Waiter<void> w) { w.resume(); }));
  std::optional<Registration> outer(
      reactor.registry().when_type<Pause>([inner](const Pause&, Waiter<void> w) { w.resume(); }));
  inner.reset();

  outer.reset();

  CHECK(reactor.registry().empty());
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

// Its handler was not called, and the operation went on without anybody.
TEST_CASE_FIXTURE(Loop,
                  "a Deferred awaited in a cancelled microthread is cancelled, not left alone") {
  bool cancelled = false;
  auto [promise, operation] = make_deferred<int>([&] { cancelled = true; });
  auto spawned = spawn(
      reactor,
      [](Deferred<int> on) -> Task<> {
        const Outcome<void> first = co_await as_outcome(Pause{1h});
        CHECK(first.check<Cancelled>());
        co_await with_timeout(1h, std::move(on));
      },
      std::move(operation));
  time.advance();

  spawned.task().cancel();
  time.advance();

  CHECK(cancelled);
  CHECK(std::move(spawned).deferred().result().check<Cancelled>());
}

// Its first await was one of the library's own, which threw.
TEST_CASE_FIXTURE(Loop, "with_timeout of a task is no cancel point: its leaf is") {
  bool started = false;
  const auto body = [&]() -> Task<> {
    started = true;
    co_await Pause{1h};
  };
  auto spawned = spawn(reactor, [&]() -> Task<> {
    const Outcome<void> first = co_await as_outcome(Pause{1h});
    CHECK(first.check<Cancelled>());
    co_await with_timeout(1h, body());
  });
  time.advance();

  spawned.task().cancel();
  time.advance();

  CHECK(started);
  CHECK(std::move(spawned).deferred().result().check<Cancelled>());
}

// The timer counted as somebody who might answer, and the await ended after the limit only.
TEST_CASE_FIXTURE(Loop, "with_timeout does not hide that all Waiters were dropped") {
  struct Dropped {
    Dropped() {}
    void yield_to(Waiter<int> waiter) const { const Waiter<int> dropped = std::move(waiter); }
  };
  auto spawned =
      spawn(reactor, []() -> Task<int> { co_return co_await with_timeout(1h, Dropped()); });

  time.advance();

  CHECK(std::move(spawned).deferred().result().check<AbandonedError>());
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

// The deadline of the first stayed armed, and the clock never got past it.
TEST_CASE("a clock can be put forward after the end of its reactor") {
  reactors::VirtualTime time;
  {
    Reactor reactor{time};
    reactor.call_later(5s, [] {}).detach();
    time.advance(1s);
  }

  time.advance(10s);

  CHECK(time.now() == TimePoint(11s));
}

// schedule() threw NoReactorError where resume() returns false.
TEST_CASE_FIXTURE(Loop, "schedule() of a stale Waiter does nothing") {
  std::optional<Waiter<void>> kept;
  struct Keep {
    explicit Keep(std::optional<Waiter<void>>& into) : kept(&into) {}
    void yield_to(Waiter<void> waiter) const { *kept = std::move(waiter); }
    std::optional<Waiter<void>>* kept;
  };
  spawn(reactor, [&]() -> Task<> { co_await Keep(kept); }).detach();
  time.advance();
  kept->resume();
  time.advance();

  DelayedCall call = schedule(*kept, 1s);

  CHECK(!call.active());
}

// It was asked for the reactor of a microthread that is done, and threw out of the call.
TEST_CASE_FIXTURE(Loop, "a TaskRef parameter does not choose a coroutine's reactor") {
  TaskRef done = spawn(reactor, []() -> Task<> { co_return; }).task();
  time.advance();
  const auto pausing = [](TaskRef) -> Deferred<int> {
    co_await Pause{};
    co_return 1;
  };

  Deferred<int> result = pausing(done);
  time.advance();

  CHECK(std::move(result).result().value() == 1);
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
