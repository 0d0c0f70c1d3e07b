// SPDX-License-Identifier: MIT
//
// Offload: a function that a Pool runs for a reactor's task. One object, held by the task and by
// the pool; whichever lets go last destroys it with its result. The callable goes as soon as it has
// run, or when it is known that it will not. Used by in_thread() and defer_to_thread().
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "deferred/deferred.hpp"
#include "deferred/pool.hpp"
#include "deferred/remote_waiter.hpp"
#include "deferred/task.hpp"

namespace deferred::detail {

/// A result that cannot leave its thread.
template <class T>
inline constexpr bool bound_to_thread =
    std::is_same_v<T, Failure> || IsOutcome<T>::value || IsDeferred<T>::value;
template <class T>
inline constexpr bool bound_to_thread<Task<T>> = true;

/// What f(arguments...) gives, called with copies of its own; says what is wrong with it.
template <class F, class... A>
constexpr auto result_of_call() {
  constexpr bool callable = std::is_invocable_v<F, A...>;
  static_assert(callable,
                "in_thread: the function cannot be called with copies of these arguments; give an "
                "object that is to be referred to as std::ref(object)");
  if constexpr (callable) {
    using R = std::invoke_result_t<F, A...>;
    static_assert(!std::is_reference_v<R>,
                  "in_thread: the function returns a reference; return a value, or a pointer to "
                  "what outlives the call");
    static_assert(!bound_to_thread<std::remove_cv_t<R>>,
                  "in_thread: a Failure, an Outcome, a Deferred or a Task stays on its thread; "
                  "return the plain value, and throw the error");
    return std::type_identity<std::remove_cvref_t<R>>();
  } else {
    return std::type_identity<void>();
  }
}

class Offload : public Pool::Job {
 public:
  // All of these on the reactor's thread.

  /// Gives it to the pool. Throws what the pool throws; it can then be submitted again.
  void submit(Pool& pool);
  bool submitted() const noexcept { return pool_ != nullptr; }
  /// Answers when it has ended. The newest Waiter counts.
  void await(Waiter<void> waiter);
  /// True if it does not run and will not: taken back now, or dropped by the pool before.
  bool withdraw() noexcept;
  /// Nobody waits for it any more: withdrawn, or left to end by itself.
  void abandon() noexcept;
  /// What it threw. REQUIRES: it has ended.
  std::exception_ptr take_error() noexcept { return std::exchange(error_, nullptr); }

  void run() noexcept final;
  void drop() noexcept final;

 protected:
  Offload() = default;
  virtual ~Offload() = default;
  /// Calls the function and keeps what it returns.
  virtual void call() = 0;
  /// Destroys the function and its arguments.
  virtual void discard() noexcept = 0;

 private:
  enum class State : std::uint8_t { idle, queued, runs, over };

  void end() noexcept;
  void release() noexcept {
    if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  Pool* pool_ = nullptr;       // may be gone once `over`
  std::exception_ptr error_;   // written before `over`
  std::atomic<int> refs_{1};   // the task's, and the pool's until it has run or dropped it
  std::mutex mutex_;           // of what follows; taken before the pool's own
  State state_ = State::idle;  // `over`: ran, dropped or withdrawn
  std::optional<RemoteWaiter<void>> waiter_;
};

/// An Offload with a place for its result.
template <class R>
class OffloadFor : public Offload {
 public:
  /// REQUIRES: it has ended, without an error.
  Stored<R>& value() noexcept { return *value_; }

 protected:
  std::optional<Stored<R>> value_;
};

template <class R, class F, class... A>
class OffloadOf final : public OffloadFor<R> {
 public:
  explicit OffloadOf(std::tuple<F, A...>&& function) : function_(std::move(function)) {}

 private:
  void call() override {
    const auto invoke = [](F& f, A&... arguments) -> decltype(auto) {
      return std::invoke(std::move(f), std::move(arguments)...);
    };
    if constexpr (std::is_void_v<R>) {
      std::apply(invoke, *function_);
      this->value_.emplace();
    } else {
      this->value_.emplace(std::apply(invoke, *function_));
    }
  }
  void discard() noexcept override { function_.reset(); }

  std::optional<std::tuple<F, A...>> function_;
};

/// The task's end of an Offload: letting go of it abandons it.
template <class R>
class OffloadHandle {
 public:
  explicit OffloadHandle(OffloadFor<R>* job) noexcept : job_(job) {}
  OffloadHandle(OffloadHandle&& other) noexcept : job_(std::exchange(other.job_, nullptr)) {}
  OffloadHandle& operator=(OffloadHandle&&) = delete;
  ~OffloadHandle() {
    if (job_) job_->abandon();
  }
  OffloadFor<R>& operator*() const noexcept { return *job_; }
  OffloadFor<R>* operator->() const noexcept { return job_; }

 private:
  OffloadFor<R>* job_;
};

/// Submits the job, unless it was, and waits until it has ended. A failure: it did not, and the
/// wait is over. If the wait is interrupted, a job that has not begun is withdrawn; one that runs
/// is waited for, unless it may be abandoned. A cancel that came meanwhile is left for the next
/// await; an error that was thrown into the wait is given then.
Task<Outcome<void>> wait_for_end(Offload& job, Pool& pool, bool abandon);

template <class R>
Task<R> result_of(OffloadHandle<R> job, Pool& pool, bool abandon) {
  Task<Outcome<void>> waiting = wait_for_end(*job, pool, abandon);
  Outcome<void> ended = co_await Unlisted(std::move(waiting));
  if (!ended.has_value()) co_return std::move(ended).failure();
  if (std::exception_ptr error = job->take_error()) co_return Failure::from(std::move(error));
  if constexpr (!std::is_void_v<R>) co_return std::move(job->value());
}
/// A Task<void> has no `co_return failure;`.
template <>
Task<void> result_of<void>(OffloadHandle<void> job, Pool& pool, bool abandon);

}  // namespace deferred::detail
