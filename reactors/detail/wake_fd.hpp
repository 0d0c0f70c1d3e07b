// SPDX-License-Identifier: MIT
//
// WakeFd: a descriptor that becomes readable when somebody calls wake(). Every backend on real
// descriptors has one. Not installed.
#pragma once

#include <atomic>

namespace deferred::reactors {

class WakeFd {
 public:
  /// Throws std::system_error if the process is out of descriptors.
  WakeFd();
  WakeFd(const WakeFd&) = delete;
  WakeFd& operator=(const WakeFd&) = delete;
  ~WakeFd();

  /// From any thread and from a signal handler; one system call for any number of calls until
  /// drain().
  void wake() noexcept;
  /// On the loop's thread, when fd() is readable; the turn that is asked for has to follow.
  void drain() noexcept;
  /// wake() was called, and drain() not yet.
  bool woken() const noexcept { return woken_.load(std::memory_order_relaxed); }
  int fd() const noexcept { return fd_; }

 private:
  int fd_;
  std::atomic<bool> woken_{false};
  static_assert(std::atomic<bool>::is_always_lock_free, "wake() is called in signal handlers");
};

}  // namespace deferred::reactors
