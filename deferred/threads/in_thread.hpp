// SPDX-License-Identifier: MIT
//
// in_thread: calls a function that blocks or computes on a thread of a pool, while the reactor goes
// on. Next: defer_to_thread.hpp (the same as a Deferred), thread_pool.hpp (how many threads),
// on.hpp (a task on another thread's reactor).
#pragma once

#include <tuple>
#include <type_traits>
#include <utility>

#include "deferred/tasks/task.hpp"
#include "deferred/threads/detail/offload.hpp"
#include "deferred/threads/pool.hpp"

namespace deferred {

namespace detail {
struct InThreadAccess;
}

/// What in_thread() gives: a description of the call. Nothing happens before it is awaited. It can
/// be awaited as a variable, and again, if its function and arguments can be copied.
template <class F, class... A>
class [[nodiscard]] InThread {
 public:
  using Result = typename decltype(detail::result_of_call<F, A...>())::type;
  static_assert(std::is_void_v<Result> || std::is_move_constructible_v<Result>,
                "in_thread: the result is moved to the task; return a std::unique_ptr to a type "
                "that cannot move");

  template <class G, class... B>
  explicit InThread(Pool& pool, G&& f, B&&... arguments)
      : pool_(&pool), function_(std::forward<G>(f), std::forward<B>(arguments)...) {}

  /// With this a cancel does not wait for a function that runs: Cancelled is thrown at once, and
  /// what the function returns or throws later is dropped.
  InThread abandon_on_cancel() && {
    abandon_ = true;
    return std::move(*this);
  }

 private:
  friend struct detail::InThreadAccess;

  Pool* pool_;
  std::tuple<F, A...> function_;
  bool abandon_ = false;
};

/// `const int n = co_await in_thread(f, a, b);` calls `f(a, b)`, with copies of its own, on a
/// thread of default_pool(), and goes on here with what it returned or threw. An error keeps its
/// type; it becomes a Failure on this thread. The copies are destroyed in the thread, before the
/// task goes on. A capturing lambda is given a name first, for g++ 12 destroys one in a co_await
/// twice.
///
/// If the wait is cancelled before the function has begun, it never does, and Cancelled is thrown
/// at once. A function that runs cannot be stopped, and is waited for: its value is delivered, and
/// the cancel is thrown at the next await; so with_timeout() gives the value, late. With
/// abandon_on_cancel() neither waits. An error thrown into the wait (TaskRef::throw_) is thrown
/// when the function has ended. close() waits for nothing: the function ends by itself. A result
/// that nobody waits for any more is destroyed where the function ran, or here. (Twisted:
/// deferToThread; trio: to_thread.run_sync)
///
/// AbandonedError: the pool came to its end before the function began. What submit() of the pool
/// throws is thrown here.
template <class F, class... A>
  requires(!std::is_base_of_v<Pool, std::remove_reference_t<F>>)
InThread<std::decay_t<F>, std::decay_t<A>...> in_thread(F&& f, A&&... arguments) {
  return InThread<std::decay_t<F>, std::decay_t<A>...>(default_pool(), std::forward<F>(f),
                                                       std::forward<A>(arguments)...);
}
/// The same on a pool of one's own, which has to be there until the await begins.
template <class F, class... A>
InThread<std::decay_t<F>, std::decay_t<A>...> in_thread(Pool& pool, F&& f, A&&... arguments) {
  return InThread<std::decay_t<F>, std::decay_t<A>...>(pool, std::forward<F>(f),
                                                       std::forward<A>(arguments)...);
}

namespace detail {

struct InThreadAccess {
  /// The call as a job, which begins now if `at_once`, else when the task does.
  template <class F, class... A>
  static auto start(InThread<F, A...>&& call, bool at_once) {
    using R = typename InThread<F, A...>::Result;
    OffloadHandle<R> job(
        new OffloadOf<R, F, A...>(*call.pool_, call.abandon_, std::move(call.function_)));
    if (at_once) job->start();
    return result_of<R>(std::move(job));
  }
};

}  // namespace detail

template <class F, class... A>
struct yieldable<InThread<F, A...>> {
  static Task<typename InThread<F, A...>::Result> yield_to(InThread<F, A...>&& call) {
    return detail::InThreadAccess::start(std::move(call), false);
  }
};
template <class F, class... A>
  requires std::is_copy_constructible_v<std::tuple<F, A...>>
struct yieldable<InThread<F, A...>&> {
  static Task<typename InThread<F, A...>::Result> yield_to(const InThread<F, A...>& call) {
    return detail::InThreadAccess::start(InThread<F, A...>(call), false);
  }
};

}  // namespace deferred
