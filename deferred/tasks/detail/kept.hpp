// SPDX-License-Identifier: MIT
//
// Coroutines around what is spawned and is no Task: they keep it in their frames.
#pragma once

#include <functional>
#include <type_traits>
#include <utility>

#include "deferred/memory/free_list.hpp"
#include "deferred/results/outcome.hpp"
#include "deferred/tasks/detail/task_access.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/yieldable.hpp"

namespace deferred::detail {

// g++ 12 takes the frame for a class in a header, and warns of the lambda in it.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif
/// Calls `f(arguments...)` and awaits what it gives; its failure is passed on without a throw.
template <class T, class F, class... A>
Task<Outcome<Delivered<T>>> call_quietly(F f, A... arguments) {
  static_assert(ordinary_alignment<F> && (ordinary_alignment<A> && ...),
                "spawn: the callable, or one of its arguments, is over-aligned, and frames are not "
                "aligned for it: give it by a std::unique_ptr");
  if constexpr (std::is_same_v<std::invoke_result_t<F&, A...>, Task<T>>) {
    auto made = TaskAccess::quiet(std::invoke(f, std::move(arguments)...));
    co_return co_await unlisted(std::move(made));
  } else if constexpr (std::is_void_v<T>) {
    co_await unlisted(std::invoke(f, std::move(arguments)...));
    co_return Outcome<void>();
  } else {
    co_return co_await unlisted(std::invoke(f, std::move(arguments)...));
  }
}
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
template <class T, class F, class... A>
Task<T> call_kept(F f, A... arguments) {
  return TaskAccess::throwing<T>(call_quietly<T, F, A...>(std::move(f), std::move(arguments)...));
}

/// The task of `f(arguments...)`, which keeps them; says what to write where nothing can be
/// awaited.
template <class F, class... A>
auto task_of_call(F&& f, A&&... arguments) {
  using Made = std::invoke_result_t<std::decay_t<F>&, std::decay_t<A>...>;
  constexpr bool awaits = [] {
    if constexpr (std::is_void_v<Made>) {
      return false;
    } else {
      return HandlerOf<Made>::kind != HandlerKind::none;
    }
  }();
  static_assert(awaits,
                "spawn: this callable returns nothing that can be awaited. Make it a coroutine: "
                "`[]() -> Task<int> { co_return 3; }`. What does not wait needs no microthread: "
                "call it, or have the reactor call it: `reactor.post(f)`.");
  if constexpr (awaits) {
    return call_kept<AwaitedResult<Made>, std::decay_t<F>, std::decay_t<A>...>(
        std::forward<F>(f), std::forward<A>(arguments)...);
  } else {
    return std::type_identity_t<Task<> (*)()>()();  // no more texts
  }
}

/// What will be awaited, as a Y; told so, if it will not be. An lvalue is only referred to.
template <class Y>
class Kept {
  static_assert(std::is_reference_v<Y> || ordinary_alignment<Y>,
                "what is spawned is over-aligned, and frames are not aligned for it: give it by a "
                "std::unique_ptr");

 public:
  explicit Kept(Y&& x) : x_(std::forward<Y>(x)) {}
  Kept(Kept&& other) : x_(std::forward<Y>(other.x_)), given_(std::exchange(other.given_, true)) {}
  Kept& operator=(Kept&&) = delete;
  ~Kept() {
    if (!given_) deferred::abandon(std::forward<Y>(x_));
  }
  /// To the await, once.
  Y&& give() noexcept {
    given_ = true;
    return std::forward<Y>(x_);
  }

 private:
  Y x_;
  bool given_ = false;
};

template <class R, class Y>
Task<R> await_kept(Kept<Y> x) {
  co_return co_await unlisted(x.give());
}
/// The task that awaits what was given to spawn(); says what to give where that cannot be.
template <class Y>
auto task_of_yieldable(Y&& x) {
  constexpr bool awaits = HandlerOf<Y>::kind != HandlerKind::none;
  static_assert(awaits,
                "spawn: this cannot be awaited. Give it a Task, a callable that makes one of the "
                "arguments behind it, or a yieldable.");
  if constexpr (awaits) {
    return await_kept<AwaitedResult<Y>>(Kept<Y>(std::move(x)));
  } else {
    return std::type_identity_t<Task<> (*)()>()();
  }
}

}  // namespace deferred::detail
