// SPDX-License-Identifier: MIT
//
// Handlers that are registered at run time.
#include "deferred/reactor/registry.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "deferred/tasks/value.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/probes.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

struct Thing {
  void yield_to(Waiter<int> w) const { w.resume(0); }
};
Task<int> await_thing() {
  Thing thing;
  co_return co_await thing;
}
auto answering(int with) {
  return [with](const Thing&, Waiter<int> w) { w.resume(with); };
}

TEST_CASE_FIXTURE(Loop, "the handler registered last is asked") {
  auto first = reactor.registry().when_type<Thing>(answering(1));
  auto second = reactor.registry().when_type<Thing>(answering(2));

  CHECK(outcome_of(await_thing()).value() == 2);
}

TEST_CASE_FIXTURE(Loop, "dropping a registration restores the one before") {
  auto first = reactor.registry().when_type<Thing>(answering(1));
  std::optional second = reactor.registry().when_type<Thing>(answering(2));

  second.reset();

  CHECK(outcome_of(await_thing()).value() == 1);
}

TEST_CASE_FIXTURE(Loop, "registrations may be dropped in any order") {
  std::optional first = reactor.registry().when_type<Thing>(answering(1));
  std::optional second = reactor.registry().when_type<Thing>(answering(2));

  first.reset();
  CHECK(outcome_of(await_thing()).value() == 2);
  second.reset();

  CHECK(outcome_of(await_thing()).value() == 0);
  CHECK(reactor.registry().empty());
}

TEST_CASE_FIXTURE(Loop, "a registration that is assigned over ends") {
  Registration one = reactor.registry().when_type<Thing>(answering(1));

  one = Registration();

  CHECK(outcome_of(await_thing()).value() == 0);
}

TEST_CASE_FIXTURE(Loop, "an object's registrations restore one another too") {
  Thing thing;
  std::optional first = reactor.registry().when_object(thing, answering(1));
  std::optional second = reactor.registry().when_object(thing, answering(2));
  const auto await_it = [&]() -> Task<int> { co_return co_await thing; };

  CHECK(outcome_of(await_it).value() == 2);
  second.reset();
  CHECK(outcome_of(await_it).value() == 1);
  first.reset();
  CHECK(outcome_of(await_it).value() == 0);
  CHECK_FALSE(reactor.registry().has_objects());
}

TEST_CASE_FIXTURE(Loop, "a const object can have a handler") {
  const Thing thing;
  auto registration = reactor.registry().when_object(thing, answering(4));

  const auto outcome = outcome_of([&]() -> Task<int> { co_return co_await thing; });

  CHECK(outcome.value() == 4);
}

TEST_CASE_FIXTURE(Loop, "a handler may unregister itself while it runs") {
  const auto keeps = std::make_shared<int>(5);
  std::optional<Registration> registration;
  registration =
      reactor.registry().when_type<Thing>([&registration, keeps](const Thing&, Waiter<int> w) {
        registration.reset();
        w.resume(*keeps);
      });

  CHECK(outcome_of(await_thing()).value() == 5);
  CHECK(outcome_of(await_thing()).value() == 0);
  CHECK(keeps.use_count() == 1);
}

TEST_CASE_FIXTURE(Loop, "a handler may register another while it runs") {
  std::optional<Registration> second;
  auto first = reactor.registry().when_type<Thing>([&](const Thing&, Waiter<int> w) {
    second = reactor.registry().when_type<Thing>(answering(6));
    w.resume(5);
  });

  CHECK(outcome_of(await_thing()).value() == 5);
  CHECK(outcome_of(await_thing()).value() == 6);
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

TEST_CASE_FIXTURE(Loop, "unregistering leaves a wait that the handler began") {
  std::optional registration = reactor.registry().when_type<Thing>(
      [](const Thing&, Waiter<int> w) { return schedule(std::move(w), 1s, 8); });
  auto waiting = spawn(reactor, await_thing());
  settle();

  registration.reset();
  time.advance(1s);

  CHECK(outcome_of(std::move(waiting)).value() == 8);
}

// What it had registered was looked at when it was gone.
TEST_CASE("a handler's captures may hold other registrations at the reactor's end") {
  Registration outer;
  Thing thing;
  {
    Loop loop;
    const auto inner =
        std::make_shared<Registration>(loop.reactor.registry().when_object(thing, answering(1)));
    outer = loop.reactor.registry().when_type<Thing>(
        [inner](const Thing&, Waiter<int> w) { w.resume(2); });
  }
}

// They went as they lay in tables that are sorted by address.
TEST_CASE("handlers that are left at the reactor's end go in the reverse order of their coming") {
  struct Logs {
    explicit Logs(std::string& to, char what) : log(&to), letter(what) {}
    Logs(Logs&& other) noexcept : log(std::exchange(other.log, nullptr)), letter(other.letter) {}
    ~Logs() {
      if (log) *log += letter;
    }
    std::string* log;
    char letter;
  };
  std::string log;
  Thing things[20];
  std::vector<Registration> registrations;
  {
    Reactor reactor;
    for (int i = 0; i < 20; ++i) {
      Thing& thing = things[i * 7 % 20];
      registrations.push_back(reactor.registry().when_object(
          thing, [logs = Logs(log, static_cast<char>('a' + i))](const Thing&, Waiter<int> w) {
            w.resume(logs.letter);
          }));
    }
    registrations.push_back(reactor.registry().when_type<Thing>(
        [logs = Logs(log, 'u')](const Thing&, Waiter<int> w) { w.resume(logs.letter); }));
  }

  CHECK(log == "utsrqponmlkjihgfedcba");
}

TEST_CASE("a Registration may outlive its reactor") {
  std::optional<Registration> registration;
  std::optional<Registration> of_object;
  Thing thing;
  {
    Loop loop;
    registration = loop.reactor.registry().when_type<Thing>(answering(1));
    of_object = loop.reactor.registry().when_object(thing, answering(1));
  }

  registration.reset();
  of_object.reset();
}

TEST_CASE_FIXTURE(Loop, "each reactor has handlers of its own") {
  Loop other;
  auto registration = reactor.registry().when_type<Thing>(answering(1));

  CHECK(other.outcome_of(await_thing()).value() == 0);
}

TEST_CASE_FIXTURE(Loop, "a registered handler's undo ends with the wait") {
  Later<int> probe;
  auto registration = reactor.registry().when_type<Thing>(
      [&](const Thing&, Waiter<int> w) { return probe.yield_to(std::move(w)); });
  auto waiting = spawn(reactor, await_thing());
  settle();

  waiting.task().cancel();
  settle();

  CHECK(probe.undone() == 1);
}

TEST_CASE_FIXTURE(Loop, "a registered handler may change the object") {
  struct Counter {
    void yield_to(Waiter<void> w) { w.resume(); }
    int asked = 0;
  };
  Counter counter;
  auto registration = reactor.registry().when_type<Counter>([](Counter& c, Waiter<void> w) {
    ++c.asked;
    w.resume();
  });

  outcome_of([&]() -> Task<> { co_await counter; }).value();

  CHECK(counter.asked == 1);
}

TEST_CASE_FIXTURE(Loop, "a test can take the time out of a program by overriding Pause") {
  auto registration =
      reactor.registry().when_type<Pause>([](const Pause&, Waiter<void> w) { w.resume(); });

  outcome_of([]() -> Task<> { co_await Pause(1h); }).value();

  CHECK(now() == 0s);
}

TEST_CASE_FIXTURE(Loop, "awaiting a Deferred can be overridden") {
  auto registration = reactor.registry().when_type<Deferred<int>>(
      [](Deferred<int>& d, Waiter<int> w) { w.resume(std::move(d).result().value() + 1); });

  const auto outcome = outcome_of([]() -> Task<int> { co_return co_await succeed(1); });

  CHECK(outcome.value() == 2);
}

// A yieldable whose own handler is a coroutine.
class Slow {
 public:
  Task<int> yield_to() const {
    co_await Pause(1h);
    co_return 1;
  }
};

TEST_CASE_FIXTURE(Loop, "a type whose handler is a coroutine can be overridden") {
  // The registry was not asked for such types.
  auto registration =
      reactor.registry().when_type<Slow>([](const Slow&, Waiter<int> w) { w.resume(2); });

  const auto outcome = outcome_of([]() -> Task<int> {
    const Slow named;
    const int first = co_await named;
    co_return first + co_await Slow();
  });

  CHECK(outcome.value() == 4);
  CHECK(now() == 0s);
}

TEST_CASE_FIXTURE(Loop, "an overridden coroutine handler is overridden in decorators") {
  auto registration =
      reactor.registry().when_type<Slow>([](const Slow&, Waiter<int> w) { w.resume(2); });

  const auto outcome = outcome_of([]() -> Task<int> {
    const Outcome<int> quiet = co_await as_outcome(Slow());
    co_return quiet.value() + co_await with_timeout(1s, Slow());
  });

  CHECK(outcome.value() == 4);
  CHECK(now() == 0s);
}

TEST_CASE_FIXTURE(Loop, "an object with a coroutine handler can be overridden alone") {
  const Slow slow;
  auto registration =
      reactor.registry().when_object(slow, [](const Slow&, Waiter<int> w) { w.resume(3); });

  const auto outcome = outcome_of([&]() -> Task<int> {
    const int of_object = co_await slow;
    co_return of_object + co_await Slow();
  });

  CHECK(outcome.value() == 4);
  CHECK(now() == 1h);
}

}  // namespace

namespace {
struct LvalueOnly {};
}  // namespace
template <>
struct deferred::yieldable<LvalueOnly&> {
  static void yield_to(LvalueOnly&, Waiter<int> w) { w.resume(1); }
};
namespace {

TEST_CASE_FIXTURE(Loop,
                  "a registered handler with another result type than the await's is an error") {
  // The static_assert sees yieldable<X> only; the handler was called with a Waiter of the wrong
  // type.
  auto registration = reactor.registry().when_type<LvalueOnly>(
      [](const LvalueOnly&, Waiter<std::string> w) { w.resume("text"); });

  const auto outcome = outcome_of([]() -> Task<int> {
    LvalueOnly x;
    co_return co_await x;
  });

  CHECK(outcome.check<std::logic_error>());
}

}  // namespace

TEST_CASE("a run-time handler's captures may use the reactor that is being destroyed") {
  struct Thing {};
  struct Posts {
    explicit Posts(Reactor& to) : reactor(&to) {}
    Posts(Posts&& other) noexcept : reactor(std::exchange(other.reactor, nullptr)) {}
    ~Posts() {
      if (!reactor) return;
      reactor->post([] {});
      spawn(*reactor, []() -> Task<> { co_await Pause{}; });
    }
    Reactor* reactor;
  };
  std::optional<Registration> kept;
  reactors::VirtualTime time;
  {
    Reactor reactor(time);
    kept.emplace(reactor.registry().when_type<Thing>(
        [p = Posts(reactor)](const Thing&, Waiter<void> w) { w.resume(); }));
  }

  kept.reset();
}

TEST_CASE("a Registration may end with its reactor, after its handler") {
  // It asked the handler for its type, which had gone before the timers had.
  struct Thing {};
  const auto alive = std::make_shared<int>(1);
  reactors::VirtualTime time;
  {
    Reactor reactor(time);
    auto registration =
        reactor.registry().when_type<Thing>([alive](const Thing&, Waiter<void> w) { w.resume(); });
    reactor.call_later(1s, [kept = std::move(registration), alive] {}).detach();
  }

  CHECK(alive.use_count() == 1);
}
