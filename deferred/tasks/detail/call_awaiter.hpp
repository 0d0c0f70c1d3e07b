// SPDX-License-Identifier: MIT
//
// CallAwaiter: what `co_await` makes of a subtask, and of a yieldable whose handler is a coroutine.
#pragma once

#include <coroutine>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "deferred/reactor/detail/frame.hpp"
#include "deferred/reactor/detail/microthread.hpp"
#include "deferred/tasks/detail/handler_call.hpp"
#include "deferred/tasks/detail/task_access.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/tasks/yield_to.hpp"

namespace deferred {

namespace detail {

// g++ 12 takes the frame for a class in a header, and warns of a type of the including unit in it.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif
/// Awaits a handler that was added at run time in place of x's own coroutine.
template <class X, class R>
Task<R> await_registered(TypedHandler<X, R>& handler, X& x, bool owned) {
  HandlerCall<X, R> call(handler, x, owned);
  co_return co_await unlisted(std::move(call));
}
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

/// Calls the coroutine that handles `x`: a task is its own; for others the reactor's registry is
/// asked first.
template <class Y>
Task<AwaitedResult<Y>> call_coroutine(std::remove_reference_t<Y>& x) {
  using X = std::remove_cvref_t<Y>;
  using R = AwaitedResult<Y>;
  if constexpr (!std::is_same_v<X, Task<R>>) {
    if (current_microthread->has_run_time_handlers()) [[unlikely]] {
      Registry& registry = ReactorAccess::registry(*current_microthread->reactor);
      if (TypedHandler<X, R>* const handler = find_handler<Y, R>(registry, x)) {
        return await_registered<X, R>(*handler, const_cast<X&>(x), !std::is_reference_v<Y>);
      }
    }
  }
  return HandlerOf<Y>::call(x);
}

/// What is called: a Task, or a yieldable whose handler makes one and which lives as long.
template <class Y>
class Callee {
  using T = AwaitedResult<Y>;

 public:
  explicit Callee(Y&& x) : x_(std::forward<Y>(x)) {}
  ResultFor<T>* make() {
    Task<T> task = call_coroutine<Y>(x_);
    return TaskAccess::release(task);
  }

 private:
  std::conditional_t<std::is_lvalue_reference_v<Y>, Y, std::remove_cv_t<Y>> x_;
};
template <class T>
class Callee<Task<T>> {
 public:
  explicit Callee(Task<T>&& task) noexcept : frame_(TaskAccess::release(task)) {}
  Callee(const Callee&) = delete;
  Callee& operator=(const Callee&) = delete;
  ~Callee() {
    if (frame_) [[unlikely]]
      end_call<T>(*frame_, false);
  }
  ResultFor<T>* make() noexcept { return std::exchange(frame_, nullptr); }

 private:
  ResultFor<T>* frame_;
};

/// The call of a subtask that gives a T, by the coroutine that awaits it. Owns the callee's frame.
template <class T>
class SubtaskCall : private CallLink {
 public:
  SubtaskCall(const SubtaskCall&) = delete;
  SubtaskCall& operator=(const SubtaskCall&) = delete;

 protected:
  explicit SubtaskCall(FrameBase& by) noexcept { this->caller = &by; }
  ~SubtaskCall() = default;

  /// The trampoline goes on with `frame`. Throws std::logic_error if there is none.
  void begin(ResultFor<T>* frame) {
    if (!frame) [[unlikely]]
      no_task();
    Microthread* const m = this->caller->microthread;
    frame->microthread = m;
    frame->called_by = this;
    this->callee = frame;
    m->leaf = frame;
    m->may_go_on(0);
  }
  /// What it left. REQUIRES: it has ended.
  T result() {
    struct Destroy {
      SubtaskCall& self;
      ~Destroy() { end_call<T>(static_cast<ResultFor<T>&>(*std::exchange(self.callee, nullptr))); }
    } destroy{*this};
    auto& result = static_cast<ResultFor<T>&>(*this->callee);
    if constexpr (!std::is_same_v<T, Delivered<T>>) {
      if (result.state == Wait::State::value) return T(std::move(result.value));
      return T(failed(result));
    } else {
      if (result.state == Wait::State::failure) [[unlikely]]
        raise(failed(result));
      if constexpr (!std::is_void_v<T>) return std::move(result.value);
    }
  }
  /// Destroys the callee, if it has not ended. To be called while what made it is there.
  void end() noexcept {
    if (this->callee) destroy_frame(*this->callee);
  }

 private:
  Failure failed(ResultFor<T>& result) {
    if (is_listed(this->caller->where)) {
      result.failure.passed(Failure::Passed::await, this->caller->where);
    }
    return std::move(result.failure);
  }
  [[noreturn, gnu::noinline, gnu::cold]] static void raise(Failure failure) { failure.raise(); }
  [[noreturn, gnu::noinline, gnu::cold]] static void no_task() {
    throw std::logic_error("co_await: this Task was awaited, spawned or moved from before");
  }
};

/// The awaiter of a subtask, or of a yieldable whose handler is a coroutine.
template <class Y>
class CallAwaiter : private SubtaskCall<AwaitedResult<Y>> {
 public:
  CallAwaiter(FrameBase& frame, Y&& x)
      : SubtaskCall<AwaitedResult<Y>>(frame), x_(std::forward<Y>(x)) {}
  ~CallAwaiter() { this->end(); }

  bool await_ready() {
    this->begin(x_.make());
    return false;
  }
  void await_suspend(std::coroutine_handle<>) noexcept {}
  AwaitedResult<Y> await_resume() { return this->result(); }

 private:
  Callee<Y> x_;
};

}  // namespace detail

template <AwaitedAsSubtask Y>
Task<AwaitedResult<Y>> yield_to(Y&& x) {
  require_yieldable<Y>();
  return detail::call_coroutine<Y>(x);
}

}  // namespace deferred
