// SPDX-License-Identifier: MIT
//
// CoroutinePromise: what every coroutine of the library shares. TaskPromise: a Task's.
#pragma once

#include <bit>
#include <concepts>
#include <coroutine>
#include <type_traits>
#include <utility>

#include "deferred/memory/free_list.hpp"
#include "deferred/reactor/detail/microthread.hpp"
#include "deferred/tasks/detail/call_awaiter.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/tasks/yield_to.hpp"

namespace deferred::detail {

/// Frames from the free list, and one place for `co_await`.
template <class Result>
struct CoroutinePromise : Result {
  static void* operator new(std::size_t size) { return allocate(size); }
  static void operator delete(void* memory, std::size_t size) noexcept { release(memory, size); }

  struct Done {
    bool await_ready() const noexcept { return false; }
    template <class P>
    void await_suspend(std::coroutine_handle<P> self) const noexcept {
      FrameBase& frame = self.promise();
      Microthread& m = *frame.microthread;
      if (frame.called_by) {
        m.leaf = frame.called_by->caller;
      } else {
        m.set(Microthread::done);
      }
    }
    void await_resume() const noexcept {}
  };
  Done final_suspend() const noexcept { return {}; }
  void unhandled_exception() {
    this->clear();  // a local's destructor may throw after co_return
    this->set_failure(Failure::current(this->where));
  }

  template <class Y>
  auto await_transform(Unlisted<Y> hidden) {
    return await_at<Y>(std::forward<Y>(hidden.x), SourceLocation());
  }
#ifdef __cpp_lib_source_location
  // A default argument of class type would stand in the frame of the coroutine (g++).
  template <class Y>
  auto await_transform(Y&& x, const void* at = __builtin_source_location()) {
    return await_at<Y>(std::forward<Y>(x), std::bit_cast<SourceLocation>(at));
  }
#else
  template <class Y>
  auto await_transform(Y&& x, SourceLocation at = SourceLocation::current()) {
    return await_at<Y>(std::forward<Y>(x), at);
  }
#endif

 private:
  template <class Y>
  [[gnu::always_inline]] auto await_at(Y&& x, SourceLocation at) {
    check_handler<Y>();
    this->where = at;
    if constexpr (HandlerOf<Y>::kind == HandlerKind::task) {
      return CallAwaiter<Y>(*this, std::forward<Y>(x));
    } else if constexpr (HandlerOf<Y>::kind == HandlerKind::waiter) {
      return YieldAwaiter<Y>(std::forward<Y>(x));
    } else {
      return std::suspend_never();  // check_handler() has said what is wrong
    }
  }
};

/// The return half of a promise. A Task<Outcome<Q>> keeps a Q or a Failure, as a Task<Q> does.
template <class T>
struct TaskReturn : CoroutinePromise<ResultFor<T>> {
  static_assert(ordinary_alignment<Stored<Delivered<T>>>,
                "the result of a coroutine is over-aligned, and frames are not aligned for it: "
                "return a std::unique_ptr to it");

  /// What `return` would take in a function that returns T; `co_return {}` is a T made of nothing.
  template <class U = T>
    requires MakesResult<T, U> && (!std::is_same_v<std::decay_t<U>, Failure>)
  void return_value(U&& given) {
    if constexpr (std::is_same_v<T, Delivered<T>>) {
      this->set_value(std::forward<U>(given));
    } else {
      if constexpr (std::is_same_v<U, T>) {
        this->set_outcome(std::move(given));
      } else {
        this->set_outcome(T(std::forward<U>(given)));
      }
    }
  }
  /// `co_return failure;` fails without a throw.
  template <std::same_as<Failure> F>
  void return_value(F given) noexcept {
    this->set_failure(std::move(given));
  }
  /// `co_return outcome;` is what the outcome is.
  template <std::same_as<Outcome<T>> O>
    requires is_plain_value<T>
  void return_value(O outcome) {
    this->set_outcome(std::move(outcome));
  }
};
template <>
struct TaskReturn<void> : CoroutinePromise<ResultFor<void>> {
  void return_void() noexcept { this->set_value(); }
};

template <class T>
struct TaskPromise : TaskReturn<T> {
  // Where the coroutine stands, for what it throws before its first await.
#ifdef __cpp_lib_source_location
  Task<T> get_return_object(const void* at = __builtin_source_location()) noexcept {
    this->where = std::bit_cast<SourceLocation>(at);
    return task();
  }
#else
  Task<T> get_return_object(SourceLocation at = SourceLocation::current()) noexcept {
    this->where = at;
    return task();
  }
#endif
  std::suspend_always initial_suspend() const noexcept { return {}; }

 private:
  Task<T> task() noexcept;
};

template <class T>
Task<T> TaskPromise<T>::task() noexcept {
  return Task<T>(this);
}

}  // namespace deferred::detail
