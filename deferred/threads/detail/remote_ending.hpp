// SPDX-License-Identifier: MIT
//
// RemoteEnding: the end of something that goes on in another thread, for a task at home to wait
// for, again if the wait ends early. Base of what is shared by both threads, counted.
#pragma once

#include <exception>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

#include "deferred/memory/atomic.hpp"
#include "deferred/results/deferred.hpp"
#include "deferred/tasks/remote_waiter.hpp"
#include "deferred/tasks/task.hpp"

namespace deferred {
class TaskRef;
template <class T>
class Spawned;
}  // namespace deferred

namespace deferred::detail {

class RemoteEnding {
 public:
  RemoteEnding(const RemoteEnding&) = delete;
  RemoteEnding& operator=(const RemoteEnding&) = delete;

  void retain() noexcept { refs_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  /// At home: answers when it has ended. The newest Waiter counts.
  void await(Waiter<void> waiter);
  /// At home: nobody waits any more.
  void forget() noexcept;

 protected:
  RemoteEnding() = default;
  virtual ~RemoteEnding() = default;
  /// From any thread, once: what is needed of the outcome stands in error_ and the like.
  void finish() noexcept;
  /// In finish(), with mutex_ locked.
  virtual void on_finish() noexcept {}
  /// REQUIRES: mutex_ is locked.
  bool over() const noexcept { return over_; }

  Mutex mutex_;
  std::exception_ptr error_;  // written before finish()

 private:
  Atomic<int> refs_{1};
  bool over_ = false;                         // under mutex_
  std::optional<RemoteWaiter<void>> waiter_;  // under mutex_
};

/// Adds a place for a result to a RemoteEnding.
template <class R, class Base = RemoteEnding>
class EndingWith : public Base {
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

/// The home side's hold on a RemoteEnding: letting go of it abandons what goes on.
template <class E>
class EndingHandle {
 public:
  explicit EndingHandle(E* ending) noexcept : ending_(ending) {}
  EndingHandle(EndingHandle&& other) noexcept : ending_(std::exchange(other.ending_, nullptr)) {}
  EndingHandle& operator=(EndingHandle&&) = delete;
  ~EndingHandle() {
    if (!ending_) return;
    ending_->abandon();
    ending_->release();
  }
  E& operator*() const noexcept { return *ending_; }
  E* operator->() const noexcept { return ending_; }

 private:
  E* ending_;
};

/// A result that cannot leave its thread, or a handle to what is there.
template <class T>
inline constexpr bool bound_to_thread =
    std::is_same_v<T, Failure> || IsOutcome<T>::value || IsDeferred<T>::value;
template <class T>
inline constexpr bool bound_to_thread<Task<T>> = true;
template <class T>
inline constexpr bool bound_to_thread<Spawned<T>> = true;
template <class T>
inline constexpr bool bound_to_thread<SharedDeferred<T>> = true;
template <class R>
inline constexpr bool bound_to_thread<Waiter<R>> = true;
template <>
inline constexpr bool bound_to_thread<TaskRef> = true;

}  // namespace deferred::detail
