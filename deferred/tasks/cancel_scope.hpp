// SPDX-License-Identifier: MIT
//
// Cancel scopes: what is cancelled, or ends at a time, as one. Call-shaped: a scope begins at its
// await and ends when what runs in it has unwound. Next: yieldables/with_timeout.hpp.
#pragma once

#include <optional>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "deferred/memory/api.hpp"
#include "deferred/reactor/delayed_call.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/results/errors.hpp"
#include "deferred/results/outcome.hpp"
#include "deferred/tasks/detail/scope_run.hpp"
#include "deferred/tasks/detail/task_access.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/tasks/yield_to.hpp"

namespace deferred {

class CancelScope;
template <class Y>
class RunInScope;

/// What a scope gives for an R: the value, or nothing if the scope was cancelled. For void: true or
/// false.
template <class R>
using Finished = std::conditional_t<std::is_void_v<R>, bool, std::optional<R>>;

/// Cancels what runs in it: `CancelScope scope; auto value = co_await scope.run(x);` gives x's
/// value, or nothing if the scope was cancelled and that has ended x. Other errors are thrown, and
/// so is a Cancelled that comes from around the scope: of several scopes that are cancelled, the
/// outermost has the say. A value is given whatever was cancelled.
///
/// Any number of runs, one after the other or side by side. Dropping it leaves its runs as they
/// are; nobody cancels them any more.
class DEFERRED_API CancelScope {
 public:
  CancelScope() = default;
  CancelScope(const CancelScope&) = delete;
  CancelScope& operator=(const CancelScope&) = delete;
  ~CancelScope();

  /// Throws Cancelled where what runs in it waits, and at each later await in it. For good: what is
  /// run afterwards runs to its first await.
  void cancel() noexcept;
  bool cancelled() const noexcept { return cancelled_; }
  /// The same when that time has passed; instead of a deadline that was set before. On the current
  /// reactor (Reactor::current()).
  void cancel_after(AnyDuration limit);
  void cancel_at(TimePoint deadline);

  /// Waits for x, any yieldable, inside the scope.
  template <class Y>
  RunInScope<Y> run(Y&& x);

  /// The task in a scope of its own that ends after `limit`: gives what it gives, or throws
  /// TimeoutError, which says where it waited. What with_timeout() makes of a task.
  template <class R>
  static Task<R> within(AnyDuration limit, Task<R> task);

 private:
  friend class detail::ScopeRun;
  [[gnu::visibility("hidden")]] void set_deadline(Reactor& reactor, TimePoint deadline);

  detail::ScopeRun* runs_ = nullptr;
  DelayedCall timer_;
  TimePoint deadline_ = TimePoint::max();
  bool cancelled_ = false;
};

namespace detail {

/// What a scope gives for what came out of it.
template <class R>
Outcome<Finished<R>> finished(bool owns_cancel, Outcome<Delivered<R>>&& outcome) {
  using Given = Finished<R>;
  if (owns_cancel && outcome.template check<Cancelled>()) return Given();
  if constexpr (!std::is_same_v<R, Delivered<R>>) {
    return Given(std::move(outcome));
  } else {
    if (!outcome.has_value()) return outcome.failure();
    if constexpr (std::is_void_v<R>) {
      return Given(true);
    } else {
      return Given(std::move(*outcome));
    }
  }
}
template <class R>
Task<Outcome<Finished<R>>> run_in(CancelScope& scope, Task<R> task) {
  ScopeRun run(scope);
  auto quiet = TaskAccess::quiet(std::move(task));
  auto outcome = co_await unlisted(std::move(quiet));
  run.close();
  co_return finished<R>(run.owns_cancel(), std::move(outcome));
}
template <class R>
Task<Outcome<Finished<R>>> run_until(TimePoint deadline, Task<R> task) {
  TimedScope scope(deadline);
  auto quiet = TaskAccess::quiet(std::move(task));
  auto outcome = co_await unlisted(std::move(quiet));
  scope.close();
  co_return finished<R>(scope.owns_cancel(), std::move(outcome));
}
template <class R>
Task<Outcome<Delivered<R>>> run_within(Duration limit, Task<R> task) {
  std::string place;
  TimedScope scope(later(Reactor::current().now(), limit), &place);
  auto quiet = TaskAccess::quiet(std::move(task));
  auto outcome = co_await unlisted(std::move(quiet));
  scope.close();
  if (scope.owns_cancel() && outcome.template check<Cancelled>()) {
    co_return Failure(TimeoutError(limit, typeid(Task<R>), place));
  }
  co_return outcome;
}
template <class R>
Task<Outcome<Delivered<R>>> run_shielded(Task<R> task) {
  const OpenScope shield(Shielding::both);
  auto quiet = TaskAccess::quiet(std::move(task));
  co_return co_await unlisted(std::move(quiet));
}

}  // namespace detail

template <class R>
Task<R> CancelScope::within(AnyDuration limit, Task<R> task) {
  return detail::TaskAccess::throwing<R>(detail::run_within(limit, std::move(task)));
}

/// The yieldable that CancelScope::run() gives.
template <class Y>
class [[nodiscard]] RunInScope {
  using R = AwaitedResult<Y>;

 public:
  RunInScope(CancelScope& scope, Y&& x) : scope_(scope), x_(std::forward<Y>(x)) {}

  Task<Finished<R>> yield_to() && {
    return detail::TaskAccess::throwing<Finished<R>>(
        detail::run_in(scope_, detail::as_task<Y>(x_)));
  }
  void abandon() && { deferred::abandon(std::forward<Y>(x_)); }

 private:
  CancelScope& scope_;
  Y x_;
};
template <class Y>
RunInScope<Y> CancelScope::run(Y&& x) {
  require_yieldable<Y>();
  return RunInScope<Y>(*this, std::forward<Y>(x));
}

/// The yieldable that move_on_after() and move_on_at() give.
template <class Y>
class [[nodiscard]] MoveOn {
  using R = AwaitedResult<Y>;

 public:
  MoveOn(TimePoint deadline, Y&& x) : deadline_(deadline), x_(std::forward<Y>(x)) {}
  MoveOn(AnyDuration limit, Y&& x) : limit_(Duration(limit)), x_(std::forward<Y>(x)) {}

  Task<Finished<R>> yield_to() && {
    const TimePoint deadline = limit_ ? later(Reactor::current().now(), *limit_) : deadline_;
    return detail::TaskAccess::throwing<Finished<R>>(
        detail::run_until(deadline, detail::as_task<Y>(x_)));
  }
  void abandon() && { deferred::abandon(std::forward<Y>(x_)); }

 private:
  TimePoint deadline_{};
  std::optional<Duration> limit_;
  Y x_;
};

/// `auto value = co_await move_on_after(5s, x);` gives x's value, or nothing if it has not ended in
/// that time: it is cancelled, and waited for until it has unwound. (trio: move_on_after)
template <class Y>
MoveOn<Y> move_on_after(AnyDuration limit, Y&& x) {
  require_yieldable<Y>();
  return MoveOn<Y>(limit, std::forward<Y>(x));
}
template <class Y>
MoveOn<Y> move_on_at(TimePoint deadline, Y&& x) {
  require_yieldable<Y>();
  return MoveOn<Y>(deadline, std::forward<Y>(x));
}

/// The yieldable that shield() gives.
template <class Y>
class [[nodiscard]] Shield {
  using R = AwaitedResult<Y>;

 public:
  explicit Shield(Y&& x) : x_(std::forward<Y>(x)) {}
  Task<R> yield_to() && {
    return detail::TaskAccess::throwing<R>(detail::run_shielded(detail::as_task<Y>(x_)));
  }
  void abandon() && { deferred::abandon(std::forward<Y>(x_)); }

 private:
  Y x_;
};

/// `co_await shield(x)` waits for x even where what is around it is cancelled, or will be: the
/// cancel comes at the next await behind it, a one-shot one too. For what has to be done all the
/// same; with a limit of its own: `shield(move_on_after(2s, x))`. close() and errors that are
/// thrown in pass. An await of it where a cancel is there already does begin. (trio: shield)
template <class Y>
Shield<Y> shield(Y&& x) {
  require_yieldable<Y>();
  return Shield<Y>(std::forward<Y>(x));
}

/// When the running task will be cancelled, if nothing changes that: the earliest deadline of the
/// scopes around it, its nursery's among them, up to a shield. TimePoint::min() if it is cancelled
/// already; TimePoint::max() if there is none, or no task runs. (trio: current_effective_deadline)
DEFERRED_API TimePoint current_deadline() noexcept;

}  // namespace deferred
