// SPDX-License-Identifier: MIT
//
// as_outcome: awaiting without a throw.
#pragma once

#include <type_traits>
#include <utility>

#include "deferred/tasks/task.hpp"

namespace deferred {

/// The yieldable that as_outcome() gives.
template <class Y>
class AsOutcome {
  using R = detail::AwaitedResult<Y>;

 public:
  explicit AsOutcome(Y&& x) : x_(std::forward<Y>(x)) {}

  Undo<Y> yield_to(Waiter<Outcome<detail::Delivered<R>>> waiter) && {
    if constexpr (std::is_same_v<R, detail::Delivered<R>>) {
      return deferred::yield_to(std::forward<Y>(x_), std::move(waiter).unwrapped());
    } else {
      return deferred::yield_to(std::forward<Y>(x_), std::move(waiter));
    }
  }
  void abandon() && { detail::abandon_yieldable<Y>(x_); }

 private:
  Y x_;
};

/// For what is a coroutine itself: its failure is taken from its frame.
template <class Y>
  requires(detail::Route<Y>::kind == detail::RouteKind::task)
class AsOutcome<Y> {
  using R = detail::AwaitedResult<Y>;

 public:
  explicit AsOutcome(Y&& x) : x_(std::forward<Y>(x)) {}

  Task<Outcome<detail::Delivered<R>>> yield_to() && {
    try {
      if constexpr (std::is_same_v<R, detail::Delivered<R>>) {
        return detail::call_coroutine<Y>(x_).as_outcome();
      } else {
        return detail::call_coroutine<Y>(x_);  // it gives an Outcome by itself
      }
    } catch (...) {
      return failed(Failure::current());
    }
  }

 private:
  static Task<Outcome<detail::Delivered<R>>> failed(Failure failure) { co_return failure; }

  Y x_;
};

/// `Outcome<R> o = co_await as_outcome(x);` for any yieldable x that gives an R: its failure,
/// Cancelled included, is in the Outcome, and nothing is thrown.
template <class Y>
AsOutcome<Y> as_outcome(Y&& x) {
  detail::check_route<Y>();
  return AsOutcome<Y>(std::forward<Y>(x));
}

}  // namespace deferred
