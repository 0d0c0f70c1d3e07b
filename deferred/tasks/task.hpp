// SPDX-License-Identifier: MIT
//
// Task<T>: a coroutine that does not run yet. It runs when a coroutine awaits it (as a subtask) or
// when spawn() makes a microthread of it. A call or return only notes which frame is next, and a
// loop resumes it: the native stack does not grow with the depth. Next: spawn.hpp.
#pragma once

#include <type_traits>
#include <utility>

#include "deferred/reactor/detail/frame.hpp"
#include "deferred/reactor/detail/wait.hpp"
#include "deferred/results/outcome.hpp"
#include "deferred/yieldable.hpp"

namespace deferred {

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 does not see that a std::optional holds one, where that ends.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

template <class T = void>
class Task;

namespace detail {
struct TaskAccess;
template <class T>
struct TaskPromise;
}  // namespace detail

/// A coroutine with a result of type T, made by calling a function that returns one. Lazy and
/// move-only: `co_await std::move(task)` runs it here; spawn(reactor, std::move(task)) beside.
/// Dropping one that was never awaited destroys its arguments; its body has not run. Of more than a
/// thousand that own each other, the innermost go last: what their arguments refer to has to live.
template <class T>
class [[nodiscard]] Task {
  static_assert(!std::is_reference_v<T>, "Task: return a pointer instead of a reference");

 public:
  using promise_type = detail::TaskPromise<T>;
  using value_type = T;

  Task() noexcept = default;
  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    Task old(std::move(other));
    std::swap(frame_, old.frame_);
    return *this;
  }
  ~Task() {
    if (frame_) detail::end_call<T>(*frame_, false);
  }

  /// False after a move.
  bool valid() const noexcept { return frame_ != nullptr; }

  /// The same task, whose failure is given as an Outcome instead of being thrown.
  Task<Outcome<T>> as_outcome() && {
    static_assert(std::is_same_v<T, Delivered<T>>, "as_outcome: its result is an Outcome already");
    return Task<Outcome<T>>(std::exchange(frame_, nullptr));
  }

 private:
  template <class>
  friend class Task;
  friend struct detail::TaskPromise<T>;
  friend struct detail::TaskAccess;
  explicit Task(detail::ResultFor<T>* frame) noexcept : frame_(frame) {}

  detail::ResultFor<T>* frame_ = nullptr;
};

/// A Task is yielded to as a subtask: its handler is itself.
template <class T>
struct yieldable<Task<T>> {
  static Task<T> yield_to(Task<T>&& task) noexcept { return std::move(task); }
};

/// `co_await unlisted(x)` is `co_await x` without a place of its own in traces and dumps: for the
/// coroutines of a library, whose users look for their own. REQUIRES: x lives until the await.
template <class Y>
class Unlisted {
 public:
  explicit Unlisted(Y&& y) noexcept : x(std::forward<Y>(y)) {}
  Y&& x;
};
template <class Y>
Unlisted<Y> unlisted(Y&& x) noexcept {
  return Unlisted<Y>(std::forward<Y>(x));
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace deferred

// What it takes to write, await and run one:
#include "deferred/tasks/detail/call_awaiter.hpp"
#include "deferred/tasks/detail/coroutine_promise.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/tasks/value.hpp"
