// SPDX-License-Identifier: MIT
//
// Composed programs of generators whose steps wait: what a step is cut out of ends with it, its
// locals are destroyed once, and no value is given twice.
#include <optional>
#include <utility>

#include "tests/explore_cancel/programs.hpp"

using namespace std::chrono_literals;

namespace deferred::testing {
namespace {

AsyncGenerator<int> counts(CutRun& run, int last) {
  const DestroyedOnce counted(run);
  for (int i = 1; i <= last; ++i) {
    co_await some_time();
    co_yield i;
  }
}

Task<> consumed_whole(CutRun& run) {
  AsyncGenerator<int> generator = counts(run, 3);
  int expected = 1;
  for (auto i = co_await generator.next(); i; i = co_await generator.next()) {
    must(*i == expected++, "a value is lost, or given twice");
  }
  must(expected == 4 || run.cut(), "a generator ends before its end");
}

// The step is a child: whoever is cut, the generator ends with its step or goes on.
Task<> step_in_a_child(CutRun& run) {
  AsyncGenerator<int> generator = counts(run, 3);
  co_await generator.next();
  const auto family = [&](Nursery& nursery) -> Task<> {
    Spawned<std::optional<int>> step = nursery.spawn(generator.next());
    const std::optional<int> second = co_await std::move(step);
    must(!second || *second == 2, "a step gives another value");
  };
  Outcome<void> outcome = co_await as_outcome(with_nursery(family));
  must(outcome.has_value() || run.cut(), "a step fails");
  if (generator.done()) co_return;
  const std::optional<int> next = co_await generator.next();
  must(next && (*next == 3 || (run.cut() && *next == 2)), "a generator loses a value");
}

// It survives the cut of a step, and yields in spite of it.
Task<> survives(CutRun& run) {
  const auto body = [&run]() -> AsyncGenerator<int> {
    const DestroyedOnce counted(run);
    for (int i = 0; i < 3; ++i) {
      [[maybe_unused]] const Outcome<void> outcome = co_await as_outcome(some_time());
      co_yield i;
    }
  };
  AsyncGenerator<int> generator = body();
  for (int i = 0; i < 3; ++i) {
    const std::optional<int> value = co_await generator.next();
    must(value && *value == i, "a generator that has caught its cut loses a value");
  }
}

Task<> closed_with_clean_up(CutRun& run) {
  struct Cleaned {
    bool begun = false, up = false;
  };
  auto& cleaned = run.keep<Cleaned>();
  run.at_end([&] {
    const bool passes_shields = run.cut(Cut::close) || run.cut(Cut::throw_);
    must(!cleaned.begun || cleaned.up || passes_shields, "a shielded clean-up is cut");
  });
  const auto body = [&]() -> AsyncGenerator<int> {
    const DestroyedOnce counted(run);
    try {
      co_yield 1;
    } catch (const Cancelled&) {
    }
    cleaned.begun = true;
    co_await shield(some_time());
    cleaned.up = true;
  };
  AsyncGenerator<int> generator = body();
  co_await generator.next();
  co_await generator.close();
  must(generator.done(), "a generator that was closed is not done");
}

// One generator feeds another.
Task<> pipeline_of_generators(CutRun& run) {
  const auto doubles = [&run](AsyncGenerator<int> from) -> AsyncGenerator<int> {
    const DestroyedOnce counted(run);
    for (auto i = co_await from.next(); i; i = co_await from.next()) co_yield *i * 2;
  };
  AsyncGenerator<int> generator = doubles(doubles(counts(run, 2)));
  int sum = 0;
  for (auto i = co_await generator.next(); i; i = co_await generator.next()) sum += *i;
  must(sum == 12 || run.cut(), "a pipeline loses a value");
}

}  // namespace

Programs generator_programs() {
  return {
      {"a generator that is consumed whole", consumed_whole},
      {"a generator's step in a child", step_in_a_child},
      {"a generator that catches its cuts", survives},
      {"a generator that is closed, with clean-up", closed_with_clean_up},
      {"generators in a row", pipeline_of_generators},
  };
}

}  // namespace deferred::testing
