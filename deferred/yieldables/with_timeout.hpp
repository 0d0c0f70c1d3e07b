// SPDX-License-Identifier: MIT
//
// with_timeout: any yieldable, with a limit. A decorator: it shows how one is written.
#pragma once

#include <type_traits>
#include <utility>

#include "deferred/results/errors.hpp"
#include "deferred/tasks/detail/scope.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/yieldables/as_outcome.hpp"

namespace deferred {

/// The yieldable that with_timeout() gives. The first answer wins; a timeout undoes the wait.
template <class Y>
class WithTimeout {
  using R = detail::AwaitedResult<Y>;

 public:
  WithTimeout(Duration limit, Y&& x) : limit_(limit), x_(std::forward<Y>(x)) {}

  /// The wait for x, and the timer unless x answered at once.
  class LimitedWait {
   public:
    LimitedWait(Duration limit, Y&& x, const Waiter<R>& waiter)
        : wait_(deferred::yield_to(std::forward<Y>(x), waiter)) {
      if (!waiter.pending()) return;
      timer_ = waiter.reactor().call_later(limit, [limit, late = detail::Onlooker(waiter)] {
        late.throw_(Failure(TimeoutError(limit, typeid(std::remove_cvref_t<Y>))));
      });
    }
    bool request_cancel() { return wait_.request_cancel(); }

   private:
    Undo<Y> wait_;
    DelayedCall timer_;
  };

  LimitedWait yield_to(Waiter<R> waiter) && {
    return LimitedWait(limit_, std::forward<Y>(x_), waiter);
  }
  void abandon() && { detail::abandon_yieldable<Y>(x_); }

 private:
  Duration limit_;
  Y x_;
};

/// For a task, and what else is a coroutine: a cancel scope around it. It is cancelled, waited for
/// until it has unwound, and then TimeoutError is thrown.
template <class Y>
  requires(detail::Route<Y>::kind == detail::RouteKind::task)
class WithTimeout<Y> {
  using R = detail::AwaitedResult<Y>;

 public:
  WithTimeout(Duration limit, Y&& x) : limit_(limit), x_(std::forward<Y>(x)) {}

  Task<R> yield_to() && { return run(limit_, detail::call_coroutine<Y>(x_)); }

 private:
  static Task<R> run(Duration limit, Task<R> task) {
    detail::OpenScope scope;
    const DelayedCall timer = scope.reactor().call_later(limit, [&scope] { scope.cancel(); });
    AsOutcome<Task<R>> quiet(std::move(task));
    Outcome<detail::Delivered<R>> outcome = co_await detail::Unlisted(std::move(quiet));
    scope.close();
    if (outcome.template check<Cancelled>() && scope.owns_cancel()) {
      outcome = Failure(TimeoutError(limit, typeid(Task<R>)));
    }
    if constexpr (std::is_same_v<R, Outcome<detail::Delivered<R>>>) {
      co_return outcome;
    } else {
      co_return std::move(outcome).value();
    }
  }

  Duration limit_;
  Y x_;
};

/// `co_await with_timeout(30s, x)` is `co_await x`, except that TimeoutError is thrown if x has not
/// answered in that time. What x was doing is undone: a Deferred is cancelled, a task is cancelled
/// and waited for. A task that answers in spite of being cancelled gives its value. If the
/// microthread is cancelled from outside, that Cancelled passes. (PJE: with_timeout)
template <class Y>
WithTimeout<Y> with_timeout(Duration limit, Y&& x) {
  detail::check_route<Y>();
  return WithTimeout<Y>(limit, std::forward<Y>(x));
}

}  // namespace deferred
