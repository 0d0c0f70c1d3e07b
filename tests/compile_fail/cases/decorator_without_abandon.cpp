// SPDX-License-Identifier: MIT
//
// A decorator that owns a Deferred, which nobody cancels if the await is cut before it begins.
// expect: this decorator owns a yieldable that has to be told if it is not reached
#include <utility>

#include "deferred/results/deferred.hpp"
#include "deferred/tasks/task.hpp"

template <class Y>
class Plain {
 public:
  explicit Plain(Y&& x) : x_(std::forward<Y>(x)) {}
  deferred::Undo<Y> yield_to(deferred::Waiter<deferred::AwaitedResult<Y>> waiter) && {
    return deferred::yield_to(std::forward<Y>(x_), std::move(waiter));
  }

 private:
  Y x_;
};

deferred::Task<int> waits(Plain<deferred::Deferred<int>> plain) {
  co_return co_await std::move(plain);
}
