// SPDX-License-Identifier: MIT
//
// Task<T>: a coroutine that does not run yet. It runs when a coroutine awaits it (as a subtask) or
// when spawn() makes a microthread of it. A call or return only notes which frame is next, and a
// loop resumes it: the native stack does not grow with the depth. Next: spawn.hpp.
#pragma once

#include <bit>
#include <coroutine>
#include <type_traits>
#include <utility>

#include "deferred/tasks/yield_to.hpp"

namespace deferred {

template <class T = void>
class Task;

namespace detail {

template <class Y>
class CallAwaiter;
struct TaskAccess;

/// Awaits x without a place of its own in traces and dumps: for coroutines inside the library.
template <class Y>
struct Unlisted {
  explicit Unlisted(Y&& y) noexcept : x(std::forward<Y>(y)) {}
  Y&& x;
};
template <class Y>
Unlisted(Y&&) -> Unlisted<Y>;

/// What every coroutine of the library shares: frames from the free list, and one place for
/// `co_await`.
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
  void unhandled_exception() { this->set_failure(Failure::current(this->where)); }

  template <class Y>
  auto await_transform(Unlisted<Y> hidden) {
    return await_at<Y>(std::forward<Y>(hidden.x), SourceLocation());
  }
#ifdef __cpp_lib_source_location
  // A default argument of class type would stand in the frame of the coroutine (g++).
  template <class Y>
  auto await_transform(Y&& x, const void* where = __builtin_source_location()) {
    return await_at<Y>(std::forward<Y>(x), std::bit_cast<SourceLocation>(where));
  }
#else
  template <class Y>
  auto await_transform(Y&& x, SourceLocation where = SourceLocation::current()) {
    return await_at<Y>(std::forward<Y>(x), where);
  }
#endif

 private:
  template <class Y>
  [[gnu::always_inline]] auto await_at(Y&& x, SourceLocation where) {
    check_route<Y>();
    this->where = where;
    if constexpr (Route<Y>::kind == RouteKind::task) {
      return CallAwaiter<Y>(*this, std::forward<Y>(x));
    } else if constexpr (Route<Y>::kind == RouteKind::waiter) {
      return YieldAwaiter<Y>(std::forward<Y>(x));
    } else {
      return std::suspend_never();  // check_route() has said what is wrong
    }
  }
};

/// The return half of a promise. A Task<Outcome<Q>> keeps a Q or a Failure, as a Task<Q> does.
template <class T>
struct TaskReturn : CoroutinePromise<ResultFor<T>> {
  template <class U = T>
    requires(std::is_constructible_v<T, U &&> && !std::is_same_v<std::decay_t<U>, Failure>)
  void return_value(U&& value) {
    if constexpr (std::is_same_v<T, Delivered<T>>) {
      this->set_value(std::forward<U>(value));
    } else {
      if constexpr (std::is_same_v<U, T>) {
        this->set_outcome(std::move(value));
      } else {
        this->set_outcome(T(std::forward<U>(value)));
      }
    }
  }
  /// `co_return failure;` fails without a throw.
  void return_value(Failure failure) noexcept { this->set_failure(std::move(failure)); }
};
template <>
struct TaskReturn<void> : CoroutinePromise<ResultFor<void>> {
  void return_void() noexcept { this->set_value(); }
};

template <class T>
struct TaskPromise : TaskReturn<T> {
  Task<T> get_return_object() noexcept;
  std::suspend_always initial_suspend() const noexcept { return {}; }
};

inline void destroy_frame(FrameBase& frame) noexcept { frame.handle().destroy(); }

}  // namespace detail

/// A coroutine with a result of type T, made by calling a function that returns one. Lazy and
/// move-only: `co_await std::move(task)` runs it here; spawn(reactor, std::move(task)) beside.
/// Dropping one that was never awaited destroys its arguments; its body has not run.
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
    if (frame_) detail::destroy_frame(*frame_);
  }

  /// False after a move.
  bool valid() const noexcept { return frame_ != nullptr; }

  /// The same task, whose failure is given as an Outcome instead of being thrown.
 Task<Outcome<T>> as_outcome() &&
     requires(std::is_same_v<T, detail::Delivered<T>>) {
       return Task<Outcome<T>>(std::exchange(frame_, nullptr));
     }

     private : template <class>
               friend class Task;
  friend struct detail::TaskPromise<T>;
  friend struct detail::TaskAccess;
  explicit Task(detail::ResultFor<T>* frame) noexcept : frame_(frame) {}

  detail::ResultFor<T>* frame_ = nullptr;
};

namespace detail {

struct TaskAccess {
  template <class T>
  static ResultFor<T>* release(Task<T>& task) noexcept {
    return std::exchange(task.frame_, nullptr);
  }
};

template <class T>
Task<T> TaskPromise<T>::get_return_object() noexcept {
  return Task<T>(this);
}

/// One call of a run-time handler, as a yieldable.
template <class X, class R>
class HandlerCall {
 public:
  HandlerCall(TypedHandler<X, R>& handler, X& x) noexcept : handler_(handler), x_(x) {}
  UndoPointer yield_to(Waiter<R> waiter) {
    const Registry::InUse in_use(waiter.reactor().registry());
    return handler_.call(x_, std::move(waiter));
  }

 private:
  TypedHandler<X, R>& handler_;
  X& x_;
};
template <class X, class R>
inline constexpr bool is_overridable<HandlerCall<X, R>&> = false;
template <class X, class R>
Task<R> call_handler(TypedHandler<X, R>& handler, X& x) {
  HandlerCall<X, R> call(handler, x);
  co_return co_await Unlisted(call);
}

/// Calls the coroutine that handles `x`: a task is its own; for others the reactor's registry is
/// asked first.
template <class Y>
Task<AwaitedResult<Y>> call_coroutine(std::remove_reference_t<Y>& x) {
  using X = std::remove_cvref_t<Y>;
  using R = AwaitedResult<Y>;
  if constexpr (!std::is_same_v<X, Task<R>>) {
    Reactor* const reactor = current_microthread->reactor;
    if (reactor && !reactor->registry().empty()) [[unlikely]] {
      if (TypedHandler<X, R>* const handler = find_handler<Y, R>(reactor->registry(), x)) {
        return call_handler<X, R>(*handler, const_cast<X&>(x));
      }
    }
  }
  return Route<Y>::call(x);
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
      destroy_frame(*frame_);
  }
  ResultFor<T>* make() noexcept { return std::exchange(frame_, nullptr); }

 private:
  ResultFor<T>* frame_;
};

/// The awaiter of a subtask, or of a yieldable whose handler is a coroutine. Owns the callee's
/// frame.
template <class Y>
class CallAwaiter : private CallLink {
  using T = AwaitedResult<Y>;

 public:
  CallAwaiter(FrameBase& frame, Y&& x) : x_(std::forward<Y>(x)) { this->caller = &frame; }
  CallAwaiter(const CallAwaiter&) = delete;
  CallAwaiter& operator=(const CallAwaiter&) = delete;
  ~CallAwaiter() {
    if (this->callee) destroy_frame(*this->callee);
  }

  bool await_ready() {
    ResultFor<T>* const frame = x_.make();
    if (!frame) [[unlikely]]
      no_task();
    Microthread* const m = this->caller->microthread;
    frame->microthread = m;
    frame->called_by = this;
    this->callee = frame;
    m->leaf = frame;
    return false;
  }
  void await_suspend(std::coroutine_handle<>) noexcept {}
  T await_resume() {
    struct Destroy {
      CallAwaiter& self;
      ~Destroy() { destroy_frame(*std::exchange(self.callee, nullptr)); }
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

  Callee<Y> x_;
};

}  // namespace detail

/// A Task is yielded to as a subtask: its handler is itself.
template <class T>
struct yieldable<Task<T>> {
  static Task<T> yield_to(Task<T>&& task) noexcept { return std::move(task); }
};

}  // namespace deferred
