// SPDX-License-Identifier: MIT
//
// A decorator that hands its Waiter to a task.
// expect: takes no Waiter: let the decorator's own handler be a coroutine
#include <utility>

#include "deferred/tasks/task.hpp"

template <class Y>
class Plain {
 public:
  explicit Plain(Y&& x) : x_(std::forward<Y>(x)) {}
  auto yield_to(deferred::Waiter<deferred::AwaitedResult<Y>> waiter) && {
    return deferred::yield_to(std::forward<Y>(x_), std::move(waiter));
  }

 private:
  Y x_;
};

deferred::Task<int> waits(Plain<deferred::Task<int>> plain) { co_return co_await std::move(plain); }
