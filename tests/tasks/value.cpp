// SPDX-License-Identifier: MIT
//
// Waiting for what is known only at run time.
#include "deferred/tasks/value.hpp"

#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <string>
#include <utility>

#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/reply.hpp"
#include "deferred/yieldables/timer.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/support/counted.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/probes.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

Task<Value> await_value(Value value) { co_return co_await std::move(value); }

TEST_CASE("a Value holds one object, and knows its type") {
  Value value = 5;

  REQUIRE(value.has_value());
  CHECK(value.type() == typeid(int));
  CHECK(value.as<int>() == 5);
  CHECK(value.get_if<long>() == nullptr);
  CHECK_THROWS_AS(value.as<long>(), std::bad_cast);
}

TEST_CASE("an empty Value has the type void") {
  Value value;

  CHECK_FALSE(value.has_value());
  CHECK(value.type() == typeid(void));
  CHECK(value.get_if<int>() == nullptr);
}

TEST_CASE("a Value moves what it holds, also what is large or can only be moved") {
  Value large = std::array<int, 100>{1, 2, 3};
  Value unique = std::make_unique<int>(4);

  Value moved_large = std::move(large);
  Value moved_unique = std::move(unique);

  CHECK_FALSE(large.has_value());
  CHECK(moved_large.as<std::array<int, 100>>()[2] == 3);
  CHECK(*moved_unique.as<std::unique_ptr<int>>() == 4);
}

TEST_CASE("a Value destroys what it holds, when assigned over and at its end") {
  Counted::reset();
  {
    Value value = Counted(1);
    REQUIRE(Counted::live == 1);
    value = Value(Counted(2));
    CHECK(Counted::live == 1);
  }

  CHECK(Counted::live == 0);
  CHECK(Counted::copies == 0);
}

TEST_CASE("a Value holds what throws when moved, and over-aligned objects") {
  struct alignas(64) Aligned {
    explicit Aligned(int v) : value(v) {}
    int value;
  };
  Value value = Aligned(3);
  Value throwing = ThrowsOnMove(4);

  Value moved = std::move(value);
  Value moved_throwing = std::move(throwing);

  CHECK(moved.as<Aligned>().value == 3);
  CHECK(reinterpret_cast<std::uintptr_t>(moved.get_if<Aligned>()) % 64 == 0);
  CHECK(moved_throwing.as<ThrowsOnMove>().value == 4);
}

TEST_CASE_FIXTURE(Loop, "a Value of a type with its own handler is awaited as that type is") {
  auto [promise, deferred] = make_deferred<int>();
  auto waiting = spawn(reactor, await_value(Value(std::move(deferred))));
  settle();
  REQUIRE_FALSE(waiting.done());

  promise.callback(6);
  settle();

  Outcome<Value> outcome = outcome_of(std::move(waiting));
  CHECK(outcome.value().as<int>() == 6);
}

TEST_CASE_FIXTURE(Loop, "a Value of something without a result gives an empty Value") {
  Outcome<Value> outcome = outcome_of(await_value(Pause(2s)));

  CHECK_FALSE(outcome.value().has_value());
  CHECK(now() == 2s);
}

TEST_CASE_FIXTURE(Loop, "a Value's task that is kept asks for the handler when it is awaited") {
  struct Plain {};
  std::optional registration = reactor.registry().when_type<Plain>(
      [](const Plain&, Waiter<int> waiter) { waiter.resume(5); });
  Task<Value> task = Value(Plain{}).yield_to();
  registration.reset();

  const Outcome<Value> outcome = outcome_of(std::move(task));

  CHECK(outcome.check<UnknownYieldable>());
}

TEST_CASE_FIXTURE(Loop, "a Value of a task runs it") {
  const auto five = []() -> Task<int> {
    co_await Pause(1s);
    co_return 5;
  };

  Outcome<Value> outcome = outcome_of(await_value(five()));

  CHECK(outcome.value().as<int>() == 5);
}

TEST_CASE_FIXTURE(Loop, "a Value of a decorated yieldable works too") {
  const Outcome<Value> outcome = outcome_of(await_value(with_timeout(1s, Pause(2s))));

  CHECK(outcome.check<TimeoutError>());
}

TEST_CASE_FIXTURE(Loop, "a Value of a type that keeps its state is awaited in place") {
  Outcome<Value> outcome = outcome_of(await_value(Timer(3s)));

  CHECK(outcome.value().as<std::uint64_t>() == 1);
  CHECK(now() == 3s);
}

TEST_CASE_FIXTURE(Loop, "a Value's result may be large, or only be moved") {
  struct Made {
    void yield_to(Waiter<std::unique_ptr<std::string>> w) const {
      w.resume(std::make_unique<std::string>("moved"));
    }
  };

  Outcome<Value> outcome = outcome_of(await_value(Made()));

  CHECK(*outcome.value().as<std::unique_ptr<std::string>>() == "moved");
}

TEST_CASE_FIXTURE(Loop, "a Value of another type is given to the handler registered for the type") {
  auto registration = reactor.registry().when_type<std::string>(
      [](const std::string& s, Waiter<std::size_t> w) { w.resume(s.size()); });

  Outcome<Value> outcome = outcome_of(await_value(std::string("four")));

  CHECK(outcome.value().as<std::size_t>() == 4);
}

TEST_CASE_FIXTURE(Loop, "a registered handler for a Value may answer later, with nothing") {
  auto registration = reactor.registry().when_type<Duration>(
      [](const Duration& d, Waiter<void> w) { return schedule(std::move(w), d); });

  Outcome<Value> outcome = outcome_of(await_value(Duration(3s)));

  CHECK_FALSE(outcome.value().has_value());
  CHECK(now() == 3s);
}

TEST_CASE_FIXTURE(Loop, "an override is found through a Value too") {
  auto registration =
      reactor.registry().when_type<Pause>([](const Pause&, Waiter<void> w) { w.resume(); });

  const Outcome<Value> outcome = outcome_of(await_value(Pause(2s)));

  CHECK(outcome.has_value());
  CHECK(now() == 0s);
}

struct Plain {
  int number = 0;
};

TEST_CASE_FIXTURE(Loop, "a Value that holds the address of a registered object is given to it") {
  Plain plain{7};
  auto registration =
      reactor.registry().when_object(plain, [](Plain& p, Waiter<int> w) { w.resume(p.number); });

  Outcome<Value> outcome = outcome_of(await_value(&plain));

  CHECK(outcome.value().as<int>() == 7);
}

TEST_CASE_FIXTURE(Loop,
                  "a Value that holds a const address of a registered object is given to it") {
  Plain plain{7};
  const Plain& seen = plain;
  auto registration = reactor.registry().when_object(
      seen, [](const Plain& p, Waiter<int> w) { w.resume(p.number); });

  Outcome<Value> outcome = outcome_of(await_value(&seen));

  CHECK(outcome.value().as<int>() == 7);
}

TEST_CASE_FIXTURE(Loop, "a pointer to a type with a handler is not that type") {
  auto registration = reactor.registry().when_type<Plain>(
      [](const Plain& p, Waiter<int> w) { w.resume(p.number); });
  Plain plain{7};

  const Outcome<Value> outcome = outcome_of(await_value(&plain));

  CHECK(outcome.check<UnknownYieldable>());
}

TEST_CASE_FIXTURE(Loop, "an empty Value is an UnknownYieldable") {
  const Outcome<Value> outcome = outcome_of(await_value(Value()));

  CHECK(outcome.check<UnknownYieldable>());
}

// PJE's microthreads: TypeError was raised into the reactor, and the task hung.
TEST_CASE_FIXTURE(Loop, "an unknown type is thrown at the co_await by its name, and all goes on") {
  std::string caught;

  outcome_of([&]() -> Task<> {
    try {
      const Value answer = co_await Value(Plain());
    } catch (const UnknownYieldable& e) {
      caught = e.what();
    }
    co_await Pause(1s);
  }).value();

  CHECK(caught.find("Plain") != std::string::npos);
  CHECK(caught.find("when_type") != std::string::npos);
  CHECK(now() == 1s);
}

TEST_CASE_FIXTURE(Loop, "what a handler throws is thrown where the Value is awaited") {
  auto registration = reactor.registry().when_type<Plain>(
      [](const Plain&, Waiter<int>) { throw Oops{"from the handler"}; });

  const Outcome<Value> outcome = outcome_of(await_value(Plain()));

  CHECK(outcome.check<Oops>());
}

TEST_CASE_FIXTURE(Loop, "cancelling undoes the wait for a Value") {
  Later<int> probe;
  auto registration = reactor.registry().when_type<Plain>(
      [&](const Plain&, Waiter<int> w) { return probe.yield_to(std::move(w)); });
  auto waiting = spawn(reactor, await_value(Plain()));
  settle();

  waiting.task().cancel();
  settle();

  CHECK(probe.undone() == 1);
  CHECK(outcome_of(std::move(waiting)).check<Cancelled>());
}

TEST_CASE_FIXTURE(Loop, "a Deferred's cancel() asks a registered handler's undo to end early") {
  // What the handler returned was not asked.
  struct Ask {
    std::unique_ptr<Waiter<int>> waiter;
    void request_cancel() { waiter->resume(9); }
  };
  auto registration = reactor.registry().when_type<Plain>(
      [](const Plain&, Waiter<int> w) { return Ask{std::make_unique<Waiter<int>>(std::move(w))}; });
  Deferred<Value> waiting = spawn(reactor, await_value(Plain()));
  settle();

  waiting.cancel();
  settle();

  Outcome<Value> outcome = std::move(waiting).result();
  CHECK(outcome.value().as<int>() == 9);
}

}  // namespace
