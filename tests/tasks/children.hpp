// SPDX-License-Identifier: MIT
//
// What the tests of nurseries have in their children.
#pragma once

#include <chrono>

#include "deferred/results/failure.hpp"
#include "deferred/results/outcome.hpp"
#include "deferred/tasks/cancel_scope.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/pause.hpp"

namespace deferred::testing {

struct Broken {
  int number = 0;
};

inline Task<int> after(Duration time, int value) {
  co_await Pause{time};
  co_return value;
}
inline Task<> fails_after(Duration time, int number) {
  co_await Pause{time};
  throw Broken{number};
}
/// Notes that it was cancelled, and how long its clean-up took.
inline Task<> unwinds(bool& unwound, Duration clean_up = Duration::zero()) {
  try {
    co_await Pause{std::chrono::hours(1)};
  } catch (const Cancelled&) {
    unwound = true;
  }
  if (unwound) {
    co_await shield(Pause{clean_up});
    throw Cancelled();
  }
}
inline Task<int> gives_all_the_same(int value) {
  const Outcome<void> paused = co_await as_outcome(Pause{std::chrono::hours(1)});
  static_cast<void>(paused.has_value());
  co_return value;
}

inline int number_of(const Failure& failure) {
  const Broken* const broken = failure.check<Broken>();
  return broken ? broken->number : -1;
}

}  // namespace deferred::testing
