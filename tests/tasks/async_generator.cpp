// SPDX-License-Identifier: MIT
//
// Generators whose steps wait.
#include "deferred/tasks/async_generator.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "deferred/tasks/cancel_scope.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/current_task.hpp"
#include "deferred/yieldables/event.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/race.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/support/counted.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

static_assert(!std::is_copy_constructible_v<AsyncGenerator<int>>);
static_assert(std::is_nothrow_move_constructible_v<AsyncGenerator<int>>);

namespace {

/// One value a second.
AsyncGenerator<int> ticks(int last) {
  for (int i = 1; i <= last; ++i) {
    co_await Pause{1s};
    co_yield i;
  }
}

AsyncGenerator<int, int> sums() {
  int sum = 0;
  for (;;) {
    const int more = co_yield sum;
    co_await Pause{1s};
    sum += more;
  }
}

/// Holds a Counted, and goes on after a Pause of a second.
AsyncGenerator<int> counted(int last) {
  const Counted local(0);
  for (int i = 1; i <= last; ++i) {
    co_await Pause{1s};
    co_yield i;
  }
}

TEST_CASE_FIXTURE(Loop, "each step waits for the next value, and gives nothing at the end") {
  std::vector<int> seen;

  outcome_of([&]() -> Task<> {
    AsyncGenerator<int> generator = ticks(3);
    for (auto tick = co_await generator.next(); tick; tick = co_await generator.next()) {
      seen.push_back(*tick);
      CHECK(now() == std::chrono::seconds(*tick));
    }
    CHECK(generator.done());
    const std::optional<int> after = co_await generator.next();
    CHECK_FALSE(after);
  }).value();

  CHECK(seen == std::vector{1, 2, 3});
  CHECK(now() == 3s);
}

TEST_CASE_FIXTURE(Loop, "a step that is sent a value gives it to the co_yield it goes on from") {
  outcome_of([&]() -> Task<> {
    AsyncGenerator<int, int> generator = sums();
    CHECK_THROWS_AS(static_cast<void>(generator.send(1)), std::logic_error);
    const auto first = co_await generator.send(0);  // what next() sends
    const auto second = co_await generator.send(3);
    const auto third = co_await generator.next();
    CHECK(first == 0);
    CHECK(second == 3);
    CHECK(third == 3);
  }).value();
}

TEST_CASE_FIXTURE(Loop, "a value sent after the end is refused") {
  outcome_of([&]() -> Task<> {
    const auto once = []() -> AsyncGenerator<int, int> { co_yield 1; };
    AsyncGenerator<int, int> generator = once();
    co_await generator.next();
    co_await generator.next();
    CHECK_THROWS_AS(static_cast<void>(generator.send(1)), std::logic_error);
  }).value();
}

TEST_CASE_FIXTURE(Loop, "an exception that is thrown in arrives at the co_yield") {
  outcome_of([&]() -> Task<> {
    const auto body = []() -> AsyncGenerator<std::string> {
      std::string caught = "none";
      try {
        co_yield "hello";
      } catch (const std::runtime_error& error) {
        caught = error.what();
      }
      co_await Pause{1s};
      co_yield caught;
    };
    AsyncGenerator<std::string> generator = body();
    co_await generator.next();
    const auto given = co_await generator.throw_(std::runtime_error("malfunction"));
    CHECK(given == "malfunction");
  }).value();
}

TEST_CASE_FIXTURE(Loop,
                  "an exception thrown into one that has not begun, or has ended, ends the step") {
  outcome_of([&]() -> Task<> {
    AsyncGenerator<int> fresh = counted(1);
    Outcome<std::optional<int>> early =
        co_await as_outcome(fresh.throw_(std::runtime_error("early")));
    CHECK(early.check<std::runtime_error>());
    CHECK(fresh.done());

    AsyncGenerator<int> ended;
    Outcome<std::optional<int>> late =
        co_await as_outcome(ended.throw_(std::runtime_error("late")));
    CHECK(late.check<std::runtime_error>());
  }).value();
}

TEST_CASE_FIXTURE(Loop, "a body that throws ends its generator, and the trace names both places") {
  outcome_of([&]() -> Task<> {
    const auto body = []() -> AsyncGenerator<int> {
      co_await Pause{1s};
      co_yield 1;
      co_await Pause{1s};
      throw std::runtime_error("broken");
    };
    AsyncGenerator<int> generator = body();
    co_await generator.next();
    Outcome<std::optional<int>> outcome = co_await as_outcome(generator.next());
    CHECK(outcome.check<std::runtime_error>());
    const std::string report = outcome.failure().report();
    const auto first = report.find("async_generator.cpp:");
    CHECK(first != std::string::npos);
    CHECK(report.find("async_generator.cpp:", first + 1) != std::string::npos);
    CHECK(generator.done());
    const std::optional<int> after = co_await generator.next();
    CHECK_FALSE(after);
  }).value();
}

TEST_CASE_FIXTURE(Loop, "a second step, made or awaited while one is not over, is refused") {
  outcome_of([&]() -> Task<> {
    AsyncGenerator<int> generator = ticks(2);
    AsyncGenerator<int>::Step step = generator.next();
    CHECK_THROWS_AS(static_cast<void>(generator.next()), std::logic_error);
    CHECK_THROWS_AS(static_cast<void>(generator.close()), std::logic_error);
    const auto first = co_await std::move(step);
    CHECK(first == 1);
    const auto second = co_await generator.next();
    CHECK(second == 2);
  }).value();
}

TEST_CASE_FIXTURE(Loop, "a step by its own body is refused there") {
  AsyncGenerator<int>* self = nullptr;
  const auto body = [&]() -> AsyncGenerator<int> {
    CHECK_THROWS_AS(static_cast<void>(self->next()), std::logic_error);
    co_yield 1;
  };
  outcome_of([&]() -> Task<> {
    AsyncGenerator<int> generator = body();
    self = &generator;
    const auto first = co_await generator.next();
    CHECK(first == 1);
  }).value();
}

// Row 40 of the nasty cases.
TEST_CASE_FIXTURE(Loop, "a step that is dropped takes nothing, and can be made again") {
  outcome_of([&]() -> Task<> {
    AsyncGenerator<int, int> generator = sums();
    {
      const AsyncGenerator<int, int>::Step dropped = generator.next();
    }
    co_await generator.next();
    {
      const AsyncGenerator<int, int>::Step dropped = generator.send(5);
    }
    const auto sum = co_await generator.next();
    CHECK(sum == 0);
  }).value();
}

TEST_CASE_FIXTURE(Loop, "a step can be spawned, and the generator goes on after it") {
  outcome_of([&]() -> Task<> {
    AsyncGenerator<int> generator = ticks(3);
    Spawned<std::optional<int>> spawned = spawn(generator.next());
    const auto first = co_await std::move(spawned);
    Spawned<std::optional<int>> kept = spawn(generator.next());
    co_await Pause{2s};
    const auto third = co_await generator.next();  // before the second's result is taken
    const auto second = co_await std::move(kept);
    CHECK(first == 1);
    CHECK(second == 2);
    CHECK(third == 3);
  }).value();
}

TEST_CASE_FIXTURE(Loop, "a generator may be moved between its steps, and during one") {
  outcome_of([&]() -> Task<> {
    AsyncGenerator<int> from = ticks(3);
    co_await from.next();
    AsyncGenerator<int> to = std::move(from);
    CHECK(from.done());
    AsyncGenerator<int>::Step step = to.next();
    AsyncGenerator<int> last = std::move(to);
    const auto second = co_await std::move(step);
    const auto third = co_await last.next();
    CHECK(second == 2);
    CHECK(third == 3);
  }).value();
}

TEST_CASE_FIXTURE(Loop,
                  "a step that wins a race gives its value; one that loses ends the generator") {
  outcome_of([&]() -> Task<> {
    AsyncGenerator<int> generator = counted(3);
    Counted::reset();
    auto won = co_await race(generator.next(), Pause{5s});
    CHECK(won.index() == 0);
    auto lost = co_await race(generator.next(), Pause{500ms});
    CHECK(lost.index() == 1);
    CHECK(generator.done());
    CHECK(now() == 1500ms);
  }).value();
  CHECK(Counted::live == 0);
}

// Case 6b: a step that is timed out.
TEST_CASE_FIXTURE(Loop,
                  "a step that is timed out ends the generator, whose locals are gone by then") {
  outcome_of([&]() -> Task<> {
    Counted::reset();
    AsyncGenerator<int> generator = counted(3);
    Outcome<std::optional<int>> late = co_await as_outcome(with_timeout(500ms, generator.next()));
    CHECK(late.check<TimeoutError>());
    CHECK(Counted::live == 0);
    CHECK(generator.done());
    const std::optional<int> after = co_await generator.next();
    CHECK_FALSE(after);
  }).value();
}

TEST_CASE_FIXTURE(Loop, "a body that catches the Cancelled of a step may yield, and goes on") {
  outcome_of([&]() -> Task<> {
    const auto body = []() -> AsyncGenerator<int> {
      for (int i = 0;; ++i) {
        bool cut = false;
        try {
          co_await Pause{1s};
        } catch (const Cancelled&) {
          cut = true;
        }
        co_yield cut ? -i : i;
      }
    };
    AsyncGenerator<int> generator = body();
    co_await generator.next();
    const auto cut = co_await move_on_after(500ms, generator.next());
    REQUIRE(cut);
    CHECK(*cut == -1);
    const auto next = co_await generator.next();
    CHECK(next == 2);
  }).value();
}

// Case 6: the consumer is closed while the producer awaits.
TEST_CASE_FIXTURE(Loop, "a generator ends with a consumer that is closed in a step") {
  Counted::reset();
  AsyncGenerator<int> generator = counted(3);
  auto consumer = spawn(reactor, [&]() -> Task<> {
    for (;;) co_await generator.next();
  });
  time.advance(1500ms);
  CHECK(Counted::live == 1);

  consumer.task().close();

  CHECK(Counted::live == 0);
  CHECK(generator.done());
}

TEST_CASE_FIXTURE(Loop, "a step runs in the microthread that awaits it") {
  const auto body = []() -> AsyncGenerator<std::uint64_t> {
    for (;;) {
      co_await Pause{};
      co_yield current_task().id();
    }
  };
  AsyncGenerator<std::uint64_t> ids = body();
  const auto consume = [&]() -> Task<> {
    const auto id = co_await ids.next();
    CHECK(id == current_task().id());
  };

  outcome_of(consume()).value();
  outcome_of(consume()).value();
}

TEST_CASE_FIXTURE(Loop, "steps that do not wait leave the others their turn") {
  const auto endless = []() -> AsyncGenerator<int> {
    for (int i = 0;; ++i) co_yield i;
  };
  bool seen = false;
  spawn(reactor, [&]() -> Task<> {
    seen = true;
    co_return;
  }).detach();

  outcome_of([&]() -> Task<> {
    AsyncGenerator<int> generator = endless();
    while (!seen) co_await generator.next();
  }).value();

  CHECK(seen);
}

}  // namespace
