// SPDX-License-Identifier: MIT
#include "deferred/yieldables/event.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "deferred/results/errors.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/support/first_of.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

Task<> await_event(Event& event) { co_await event; }
Task<> await_and_note(Event& event, std::string& order, char who) {
  co_await event;
  order += who;
}

TEST_CASE_FIXTURE(Loop, "all that wait for an Event go on when it is set, in their order") {
  Event event;
  std::string order;
  for (const char who : {'a', 'b', 'c'}) spawn(reactor, await_and_note(event, order, who));
  settle();
  REQUIRE(order.empty());

  event.set();
  CHECK(order.empty());
  settle();

  CHECK(order == "abc");
}

TEST_CASE_FIXTURE(Loop, "an Event that is set is awaited without a suspension") {
  Event event;
  event.set();

  const auto outcome = outcome_of([&]() -> Task<int> {
    const TimePoint begun = reactor.now();
    for (int i = 0; i < 100; ++i) co_await event;
    co_return reactor.now() == begun ? 1 : 0;
  });

  CHECK(outcome.value() == 1);
}

TEST_CASE_FIXTURE(Loop, "an Event that is cleared is waited for again") {
  Event event;
  event.set();
  CHECK(event.is_set());
  event.clear();
  CHECK_FALSE(event.is_set());
  auto waits = spawn(reactor, await_event(event));
  settle();
  REQUIRE_FALSE(waits.done());

  event.set();
  settle();

  CHECK(waits.done());
}

TEST_CASE_FIXTURE(Loop,
                  "set() wakes those that wait at that moment, and they go on if it is "
                  "cleared before") {
  Event event;
  int woken = 0;
  auto twice = spawn(reactor, [&]() -> Task<> {
    co_await event;
    ++woken;
    co_await event;
    ++woken;
  });
  settle();

  event.set();
  event.clear();
  settle();
  CHECK(woken == 1);
  event.set();
  settle();

  CHECK(woken == 2);
}

TEST_CASE_FIXTURE(Loop, "a wait for an Event that is cut leaves the others") {
  Event event;
  auto cut = spawn(reactor, await_event(event));
  auto closed = spawn(reactor, await_event(event));
  auto left = spawn(reactor, await_event(event));
  settle();

  cut.task().cancel();
  closed.task().close();
  settle();
  event.set();
  settle();

  CHECK(outcome_of(std::move(cut)).check<Cancelled>());
  CHECK(outcome_of(std::move(left)).has_value());
}

TEST_CASE_FIXTURE(Loop, "an Event may be limited in time, and lose") {
  Event event;
  const auto outcome = outcome_of([&]() -> Task<> { co_await with_timeout(1s, event); });
  event.set();

  CHECK(outcome.check<TimeoutError>());
}

TEST_CASE_FIXTURE(Loop, "one who waits for an Event and something else goes on once") {
  Event event;
  Event other;
  struct Ref {
    explicit Ref(Event& event) : event(event) {}
    Event& event;
    auto yield_to(Waiter<void> waiter) { return deferred::yield_to(event, std::move(waiter)); }
  };
  int woken = 0;
  auto waits = spawn(reactor, [&]() -> Task<> {
    FirstOf<Ref, Ref> either(Ref{event}, Ref{other});
    co_await either;
    ++woken;
    co_await either;
    ++woken;
  });
  settle();

  event.set();
  other.set();
  settle();

  CHECK(woken == 2);
  CHECK(waits.done());
}

TEST_CASE_FIXTURE(Loop, "those that wait for an Event that is destroyed get AbandonedError") {
  std::optional<Event> event(std::in_place);
  auto waits = spawn(reactor, await_event(*event));
  settle();

  event.reset();
  settle();

  CHECK(outcome_of(std::move(waits)).check<AbandonedError>());
}

TEST_CASE("an Event may end after the reactor whose tasks wait for it") {
  Event event;
  {
    Loop loop;
    spawn(loop.reactor, await_event(event));
    loop.settle();
  }
  event.set();
}

}  // namespace
