// SPDX-License-Identifier: MIT
//
// WakeFd: how a loop is woken, from any thread and from signal handlers. One that waits for
// descriptors has fd() among them; one that has nothing but the wake-up to wait for sleeps, which
// costs less; and one that says when it waits is only left a mark while it does not, without a
// system call. Every backend on real descriptors has one. Not installed.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "deferred/memory/api.hpp"
#include "deferred/memory/atomic.hpp"

namespace deferred::reactors {

class DEFERRED_API WakeFd {
 public:
  /// Listens. Throws std::system_error if the process is out of descriptors.
  WakeFd();
  WakeFd(const WakeFd&) = delete;
  WakeFd& operator=(const WakeFd&) = delete;
  ~WakeFd();

  /// From any thread and from a signal handler; at most one system call for any number of calls
  /// until they are taken.
  void wake() noexcept;
  /// wake() was called, and that was not taken yet.
  bool woken() const noexcept { return state_.load(std::memory_order_relaxed) == State::woken; }
  int fd() const noexcept { return fd_; }

  /// In the child of a fork(): fd() is from here on a descriptor of its own.
  void forked() noexcept;

  // On the loop's thread. Whatever takes calls of wake() is followed by the turn they ask for.

  /// For a loop that always listens, when fd() is readable: takes, and listens on.
  void drain() noexcept;

  /// Takes, and listens no more: wake() leaves a mark. True if it was called.
  bool take() noexcept {
    listened_ = false;
    return state_.exchange(State::marking) == State::woken;
  }
  /// From here on wake() makes fd() readable. False if there is a mark: to be taken, not waited
  /// for.
  bool listen() noexcept;
  /// Waits for wake(), or for a signal; not at all if there is a mark. Does not take.
  void sleep() noexcept;
  /// Makes fd() readable, as wake() does when somebody listens.
  void ring() noexcept;
  /// woken(), and not by a mark: fd() has been written, or is about to be.
  bool written() const noexcept { return listened_ && woken(); }

 private:
  enum class State : std::uint8_t { marking, listening, sleeping, woken };

  struct Semaphore;

  [[gnu::visibility("hidden")]] void write_fd() noexcept;

  std::unique_ptr<Semaphore> asleep_;  // posted to end a sleep()
  int fd_;
  bool listened_ = true;  // the loop's own: it has listened or rung since it last took
  deferred::detail::Atomic<State> state_{State::listening};
  static_assert(std::atomic<State>::is_always_lock_free, "wake() is called in signal handlers");
};

}  // namespace deferred::reactors
