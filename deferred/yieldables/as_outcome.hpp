// SPDX-License-Identifier: MIT
//
// as_outcome: awaiting without a throw.
#pragma once

#include <type_traits>
#include <utility>

#include "deferred/results/outcome.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/tasks/yield_to.hpp"

namespace deferred {

/// The yieldable that as_outcome() gives.
template <class Y>
class [[nodiscard]] AsOutcome {
  using R = AwaitedResult<Y>;

 public:
  explicit AsOutcome(Y&& x) : x_(std::forward<Y>(x)) {}

  Undo<Y> yield_to(Waiter<Outcome<Delivered<R>>> waiter) && {
    return deferred::yield_to(std::forward<Y>(x_), std::move(waiter));
  }
  void abandon() && { deferred::abandon(std::forward<Y>(x_)); }

 private:
  Y x_;
};

/// For what is a coroutine itself: its failure is taken from its frame.
template <class Y>
  requires AwaitedAsSubtask<Y>
class [[nodiscard]] AsOutcome<Y> {
  using R = AwaitedResult<Y>;

 public:
  explicit AsOutcome(Y&& x) : x_(std::forward<Y>(x)) {}

  Task<Outcome<Delivered<R>>> yield_to() && {
    try {
      if constexpr (std::is_same_v<R, Delivered<R>>) {
        return deferred::yield_to(std::forward<Y>(x_)).as_outcome();
      } else {
        return deferred::yield_to(std::forward<Y>(x_));  // it gives an Outcome by itself
      }
    } catch (...) {
      return failed(Failure::current());
    }
  }
  void abandon() && { deferred::abandon(std::forward<Y>(x_)); }

 private:
  static Task<Outcome<Delivered<R>>> failed(Failure failure) { co_return failure; }

  Y x_;
};

/// `Outcome<R> o = co_await as_outcome(x);` for any yieldable x that gives an R: its failure,
/// Cancelled included, is in the Outcome, and nothing is thrown.
template <class Y>
AsOutcome<Y> as_outcome(Y&& x) {
  require_yieldable<Y>();
  return AsOutcome<Y>(std::forward<Y>(x));
}

}  // namespace deferred
