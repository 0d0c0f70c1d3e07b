// SPDX-License-Identifier: MIT
//
// How generators whose steps wait end: dropped, closed, assigned, with their reactor.
#include <doctest/doctest.h>

#include <optional>
#include <stdexcept>
#include <utility>

#include "deferred/tasks/async_generator.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/support/counted.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/million.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

/// Holds a Counted, and goes on after a Pause of a second.
AsyncGenerator<int> counted_ticks(int last) {
  const Counted local(0);
  for (int i = 1; i <= last; ++i) {
    co_await Pause{1s};
    co_yield i;
  }
}

TEST_CASE_FIXTURE(Loop, "a generator that is dropped between steps destroys its locals at once") {
  Counted::reset();
  outcome_of([&]() -> Task<> {
    std::optional<AsyncGenerator<int>> generator(counted_ticks(3));
    co_await generator->next();
    CHECK(Counted::live == 1);
    generator.reset();
    CHECK(Counted::live == 0);
  }).value();
}

// Case 7: a generator that is dropped while another microthread is in its step.
TEST_CASE_FIXTURE(Loop, "a generator that is dropped during a step is destroyed when that ends") {
  Counted::reset();
  std::optional<AsyncGenerator<int>> generator(counted_ticks(3));
  auto step = spawn(reactor, generator->next());
  settle();

  generator.reset();
  CHECK(Counted::live == 1);

  CHECK(outcome_of([&]() -> Task<std::optional<int>> {
          co_return co_await std::move(step);
        }).value() == 1);
  CHECK(Counted::live == 0);
}

// Case 8: a generator that is destroyed by its own body.
TEST_CASE_FIXTURE(Loop, "a generator that is destroyed by its own body goes on to its co_yield") {
  Counted::reset();
  std::optional<AsyncGenerator<int>> generator;
  const auto body = [&]() -> AsyncGenerator<int> {
    const Counted local(7);
    generator.reset();
    co_await Pause{1s};
    co_yield local.value;
  };
  generator.emplace(body());

  const auto given = outcome_of([&]() -> Task<std::optional<int>> {
                       co_return co_await generator->next();
                     }).value();

  CHECK(given == 7);
  CHECK(Counted::live == 0);
}

TEST_CASE_FIXTURE(Loop, "a step that was made outlives its generator, and its drop ends that") {
  Counted::reset();
  outcome_of([&]() -> Task<> {
    std::optional<AsyncGenerator<int>> generator(counted_ticks(3));
    co_await generator->next();
    {
      const AsyncGenerator<int>::Step step = generator->next();
      generator.reset();
      CHECK(Counted::live == 1);
    }
    CHECK(Counted::live == 0);
  }).value();
}

// It looked for a caller that is none.
TEST_CASE_FIXTURE(Loop, "a step whose generator is gone can be spawned") {
  Counted::reset();
  std::optional<AsyncGenerator<int>> generator(counted_ticks(3));
  AsyncGenerator<int>::Step step = generator->next();
  generator.reset();

  auto spawned = spawn(reactor, std::move(step));
  time.run_until_idle();

  CHECK(outcome_of(std::move(spawned)).value() == 1);
  CHECK(Counted::live == 0);
}

// Case 41: close() that waits, and one that yields.
TEST_CASE_FIXTURE(Loop,
                  "close() throws Cancelled at the co_yield and waits until the body has ended") {
  bool cleaned_up = false;
  const auto body = [&]() -> AsyncGenerator<int> {
    bool cut = false;
    try {
      co_yield 1;
    } catch (const Cancelled&) {
      cut = true;
    }
    co_await Pause{1s};
    cleaned_up = cut;
  };
  outcome_of([&]() -> Task<> {
    AsyncGenerator<int> generator = body();
    co_await generator.next();
    co_await generator.close();
    CHECK(cleaned_up);
    CHECK(generator.done());
    co_await generator.close();  // which has nothing to do
  }).value();
  CHECK(now() == 1s);
}

TEST_CASE_FIXTURE(Loop,
                  "a generator that yields while it is closed is a logic_error, and is destroyed") {
  Counted::reset();
  const auto body = []() -> AsyncGenerator<int> {
    const Counted local(0);
    bool cut = false;
    for (;;) {
      try {
        co_yield cut ? 2 : 1;
      } catch (const Cancelled&) {
        cut = true;
      }
    }
  };
  outcome_of([&]() -> Task<> {
    AsyncGenerator<int> generator = body();
    co_await generator.next();
    Outcome<void> outcome = co_await as_outcome(generator.close());
    CHECK(outcome.check<std::logic_error>());
    CHECK(Counted::live == 0);
  }).value();
}

TEST_CASE_FIXTURE(Loop, "close() throws the error that the body ends with") {
  const auto body = []() -> AsyncGenerator<int> {
    try {
      co_yield 1;
    } catch (const Cancelled&) {
      throw std::runtime_error("in clean-up");
    }
  };
  outcome_of([&]() -> Task<> {
    AsyncGenerator<int> generator = body();
    co_await generator.next();
    Outcome<void> outcome = co_await as_outcome(generator.close());
    CHECK(outcome.check<std::runtime_error>());
  }).value();
}

TEST_CASE_FIXTURE(Loop, "close() of a generator that has not begun destroys it, and runs nothing") {
  Counted::reset();
  outcome_of([&]() -> Task<> {
    AsyncGenerator<int> generator = counted_ticks(1);
    co_await generator.close();
    CHECK(generator.done());
  }).value();
  CHECK(Counted::live == 0);
  CHECK(now() == 0s);
}

TEST_CASE_FIXTURE(Loop, "a close() that is dropped without being awaited destroys the generator") {
  Counted::reset();
  outcome_of([&]() -> Task<> {
    AsyncGenerator<int> generator = counted_ticks(3);
    co_await generator.next();
    {
      const Task<> dropped = generator.close();
    }
    CHECK(generator.done());
    CHECK(Counted::live == 0);
  }).value();
}

TEST_CASE_FIXTURE(Loop, "a generator may end with its reactor, whichever goes first") {
  Counted::reset();
  AsyncGenerator<int> generator = counted_ticks(3);
  {
    reactors::VirtualTime other_time;
    Reactor other{other_time};
    spawn(other, generator.next()).detach();
    other_time.advance(500ms);
    CHECK(Counted::live == 1);
  }
  CHECK(Counted::live == 0);
  CHECK(generator.done());
}

// The one that was assigned was destroyed with the old one's locals.
TEST_CASE_FIXTURE(Loop, "a generator may be assigned what its own body owns") {
  struct List {
    static AsyncGenerator<int> of(int first, AsyncGenerator<int>** tail) {
      AsyncGenerator<int> rest;
      if (first < 2) rest = of(first + 1, tail);
      if (first == 1) *tail = &rest;
      co_yield first;
    }
  };
  outcome_of([]() -> Task<> {
    AsyncGenerator<int>* tail = nullptr;
    AsyncGenerator<int> generator = List::of(1, &tail);
    co_await generator.next();
    generator = std::move(*tail);
    const auto value = co_await generator.next();
    CHECK(value == 2);
  }).value();
}

TEST_CASE_FIXTURE(Loop, "many generators that own each other are dropped without using the stack") {
  struct Passes {
    static AsyncGenerator<int> on(AsyncGenerator<int> from) {
      for (auto x = co_await from.next(); x; x = co_await from.next()) co_yield *x;
    }
  };
  outcome_of([]() -> Task<> {
    AsyncGenerator<int> begun = counted_ticks(1);
    for (int i = 0; i < million / 10; ++i) begun = Passes::on(std::move(begun));
    AsyncGenerator<int> fresh = Passes::on(std::move(begun));
    const auto first = co_await fresh.next();
    CHECK(first == 1);
  }).value();
}

}  // namespace
