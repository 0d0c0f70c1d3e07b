// SPDX-License-Identifier: MIT
//
// FirstOf: a race of two as a user writes it: both have the same Waiter, and the first answer wins.
// The other's stays where it is until the task goes on, and is not pending.
#pragma once

#include <type_traits>
#include <utility>

#include "deferred/tasks/yield_to.hpp"

namespace deferred::testing {

template <class X, class Y>
class FirstOf {
  using R = AwaitedResult<X>;
  static_assert(std::is_same_v<R, AwaitedResult<Y>>);

 public:
  FirstOf(X x, Y y) : x_(std::move(x)), y_(std::move(y)) {}
  struct Waits {
    Waits(FirstOf& of, const Waiter<R>& waiter)
        : first(deferred::yield_to(of.x_, waiter)), second(deferred::yield_to(of.y_, waiter)) {}
    Undo<X&> first;
    Undo<Y&> second;
  };
  Waits yield_to(Waiter<R> waiter) { return Waits(*this, waiter); }

 private:
  X x_;
  Y y_;
};

}  // namespace deferred::testing
