// SPDX-License-Identifier: MIT
//
// ThreadWork: something that goes on in another thread, for a task at home to wait for, again if
// the wait ends early. Base of what is shared by both threads, counted. A function in a pool's
// thread is one (offload.hpp), a task on another reactor another (remote_call.hpp).
#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "deferred/memory/api.hpp"
#include "deferred/memory/atomic.hpp"
#include "deferred/reactor/task_ref.hpp"
#include "deferred/results/deferred.hpp"
#include "deferred/results/outcome.hpp"
#include "deferred/tasks/remote_waiter.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/tasks/task.hpp"

namespace deferred::detail {

class ThreadWork {
 public:
  /// What an interrupted wait, or its end, has to say to what goes on.
  enum class Ask : std::uint8_t { cancel_once, cancel, fail };

  ThreadWork(const ThreadWork&) = delete;
  ThreadWork& operator=(const ThreadWork&) = delete;

  void retain() noexcept { refs_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  // At home:

  /// Sends it to its thread. Throws if it is not taken there.
  virtual void start() = 0;
  virtual bool started() const noexcept = 0;
  /// True if it has not begun and will not: not started, taken back now, or before.
  virtual bool withdraw() noexcept = 0;
  /// Hands an interruption on. True if the end is to be waited for: it may come soon, or as if
  /// nothing had been asked. False if nobody will answer.
  bool ask(Ask what, std::exception_ptr error = nullptr) noexcept {
    if (!hand_on(what, std::move(error))) return false;
    if (what == Ask::cancel_once) ++cancels_asked_;
    return true;
  }
  /// What is asked may reach it; else it is all left.
  virtual bool can_be_told() const noexcept = 0;
  /// Nobody waits for it any more: withdrawn, or made to end.
  virtual void abandon() noexcept = 0;
  /// Answers when it has ended. The newest Waiter counts.
  void await(Waiter<void> waiter);
  /// Nobody waits any more.
  void forget() noexcept;

  // At home, once it has ended: what was asked and not taken there is home's to do.

  /// One of the one-shot cancels is left.
  bool cancel_left() const noexcept { return cancels_taken_ < cancels_asked_; }
  /// So many of the errors were thrown there, the first ones.
  unsigned errors_taken() const noexcept { return errors_taken_; }

 protected:
  ThreadWork() = default;
  virtual ~ThreadWork() = default;
  virtual bool hand_on(Ask what, std::exception_ptr error) noexcept = 0;
  /// From any thread, once: what is needed of the outcome stands in error_ and the like.
  void finish() noexcept;
  /// In finish(), with mutex_ locked.
  virtual void on_finish() noexcept {}
  /// REQUIRES: mutex_ is locked.
  bool over() const noexcept { return over_; }

  Mutex mutex_;
  std::exception_ptr error_;  // written before finish(), as the next
  unsigned cancels_taken_ = 0;
  unsigned errors_taken_ = 0;

 private:
  Atomic<int> refs_{1};
  unsigned cancels_asked_ = 0;                // at home
  bool over_ = false;                         // under mutex_
  std::optional<RemoteWaiter<void>> waiter_;  // under mutex_
};

/// Adds a place for a result to a ThreadWork.
template <class R, class Base = ThreadWork>
class WorkWith : public Base {
 public:
  using Base::Base;

  /// At home: what it ended with, taken out. REQUIRES: it has ended, as the next.
  Outcome<R> take_outcome() {
    if (std::exception_ptr error = std::exchange(this->error_, nullptr)) {
      return Failure::from(std::move(error), SourceLocation());
    }
    if constexpr (std::is_void_v<R>) {
      return {};
    } else {
      return Outcome<R>(*std::move(value_));
    }
  }
  /// The same, for a thread without a reactor.
  R take_or_throw() {
    if (this->error_) std::rethrow_exception(std::exchange(this->error_, nullptr));
    if constexpr (!std::is_void_v<R>) return *std::move(value_);
  }

 protected:
  std::optional<Stored<R>> value_;  // written before finish(), unless error_ is
};

/// The home side's hold on a ThreadWork: letting go of it abandons what goes on.
template <class W>
class WorkHandle {
 public:
  explicit WorkHandle(W* work) noexcept : work_(work) {}
  WorkHandle(WorkHandle&& other) noexcept : work_(std::exchange(other.work_, nullptr)) {}
  WorkHandle& operator=(WorkHandle&&) = delete;
  ~WorkHandle() {
    if (!work_) return;
    work_->abandon();
    work_->release();
  }
  W& operator*() const noexcept { return *work_; }
  W* operator->() const noexcept { return work_; }

 private:
  W* work_;
};

/// Starts the work and waits until it has ended. A cancel or an error that is thrown into the wait
/// withdraws what has not begun, and is given. After that it is handed on (ask()), and the end is
/// waited for: a level cancel is the scopes' to remember; a one-shot cancel that was not taken
/// there is left for the next await here, and such an error is given then, the last one if there
/// are more, with the others suppressed in it. A failure: it has not ended, and the wait is over,
/// or such an error.
DEFERRED_API Task<Outcome<void>> wait_for_end(ThreadWork& work);

/// What the work gives.
template <class R, class W>
Task<R> result_of(WorkHandle<W> work) {
  Task<Outcome<void>> waiting = wait_for_end(*work);
  Outcome<void> ended = co_await unlisted(std::move(waiting));
  ended.value();
  co_return work->take_outcome().value();
}

/// A result that cannot leave its thread, or a handle to what is there.
template <class T>
inline constexpr bool bound_to_thread = std::is_same_v<T, Failure>;
template <class T>
inline constexpr bool bound_to_thread<Outcome<T>> = true;
template <class T>
inline constexpr bool bound_to_thread<Deferred<T>> = true;
template <class T>
inline constexpr bool bound_to_thread<Task<T>> = true;
template <class T>
inline constexpr bool bound_to_thread<Spawned<T>> = true;
template <class T>
inline constexpr bool bound_to_thread<SharedDeferred<T>> = true;
template <class R>
inline constexpr bool bound_to_thread<Waiter<R>> = true;
template <class R>
inline constexpr bool bound_to_thread<WeakWaiter<R>> = true;
template <>
inline constexpr bool bound_to_thread<TaskRef> = true;

}  // namespace deferred::detail
