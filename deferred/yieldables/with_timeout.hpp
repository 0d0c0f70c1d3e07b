// SPDX-License-Identifier: MIT
//
// with_timeout: any yieldable, with a limit. A decorator as a user writes it: of what takes a
// Waiter, a timer beside it; of a subtask, a cancel scope around it.
#pragma once

#include <type_traits>
#include <typeinfo>
#include <utility>

#include "deferred/reactor/delayed_call.hpp"
#include "deferred/results/errors.hpp"
#include "deferred/results/failure.hpp"
#include "deferred/tasks/cancel_scope.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/tasks/yield_to.hpp"

namespace deferred {

/// What with_timeout() gives for what takes a Waiter: the first answer wins, x's or the timer's.
template <class Y>
class [[nodiscard]] WithTimeout {
  using R = AwaitedResult<Y>;

 public:
  WithTimeout(AnyDuration limit, Y&& x) : limit_(limit), x_(std::forward<Y>(x)) {}

  /// The wait for x, and the timer unless x answered at once.
  class LimitedWait {
   public:
    LimitedWait(Duration limit, Y&& x, const Waiter<R>& waiter)
        : wait_(deferred::yield_to(std::forward<Y>(x), waiter)) {
      if (!waiter.pending()) return;
      timer_ = waiter.reactor().call_later(limit, [limit, late = waiter.weak()] {
        try {
          late.throw_(TimeoutError(limit, typeid(std::remove_cvref_t<Y>), late.task().place()));
        } catch (...) {  // a limit holds, also where there is no memory to say so
          late.throw_(Failure::current());
        }
      });
    }
    Cancelling request_cancel() { return wait_.request_cancel(); }

   private:
    Undo<Y> wait_;
    DelayedCall timer_;
  };

  LimitedWait yield_to(Waiter<R> waiter) && {
    return LimitedWait(limit_, std::forward<Y>(x_), waiter);
  }
  void abandon() && { deferred::abandon(std::forward<Y>(x_)); }

 private:
  Duration limit_;
  Y x_;
};

/// For a task, and what else is a coroutine: a cancel scope around it. It is cancelled, waited for
/// until it has unwound, and then TimeoutError is thrown.
template <class Y>
  requires AwaitedAsSubtask<Y>
class [[nodiscard]] WithTimeout<Y> {
  using R = AwaitedResult<Y>;

 public:
  WithTimeout(AnyDuration limit, Y&& x) : limit_(limit), x_(std::forward<Y>(x)) {}

  Task<R> yield_to() && {
    return CancelScope::within(limit_, deferred::yield_to(std::forward<Y>(x_)));
  }
  void abandon() && { deferred::abandon(std::forward<Y>(x_)); }

 private:
  Duration limit_;
  Y x_;
};

/// `co_await with_timeout(30s, x)` is `co_await x`, except that TimeoutError is thrown if x has not
/// answered in that time. What x was doing is undone: a Deferred is cancelled, a task is cancelled
/// and waited for. A task that answers in spite of being cancelled gives its value. If the
/// microthread is cancelled from outside, that Cancelled passes. (PJE: with_timeout)
template <class Y>
WithTimeout<Y> with_timeout(AnyDuration limit, Y&& x) {
  require_yieldable<Y>();
  return WithTimeout<Y>(limit, std::forward<Y>(x));
}

}  // namespace deferred
