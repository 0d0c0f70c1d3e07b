// SPDX-License-Identifier: MIT
//
// PollSet: watched fds and a wake-up, over poll(2). The part that the poll and virtual-time
// backends share; not installed.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <vector>

#include "deferred/backend.hpp"
#include "deferred/detail/atomic.hpp"

struct pollfd;  // <poll.h>

namespace deferred::reactors {

/// Marks a backend as at work: it cannot be turned inside one of its own callbacks.
class AtWork {
 public:
  explicit AtWork(bool& flag) : flag_(flag) {
    if (flag_) throw std::logic_error("reactor: run or advanced inside one of its own callbacks");
    flag_ = true;
  }
  AtWork(const AtWork&) = delete;
  AtWork& operator=(const AtWork&) = delete;
  ~AtWork() { flag_ = false; }

 private:
  bool& flag_;
};

class PollSet {
 public:
  PollSet();
  PollSet(const PollSet&) = delete;
  PollSet& operator=(const PollSet&) = delete;
  ~PollSet();

  void wake() noexcept;
  void watch(int fd, Ready interest, IoHandler& handler);
  void rewatch(int fd, Ready interest) noexcept;
  void unwatch(int fd) noexcept;

  /// Waits at most `timeout` (max(): without end) and reports what is ready. True if anything was,
  /// or it was woken.
  bool wait(Duration timeout);
  /// No fd is watched and nobody has called wake(): a wait without a block would find nothing.
  bool quiet() const noexcept {
    return nothing_watched_ && !woken_.load(std::memory_order_relaxed);
  }

 private:
  std::size_t index_of(int fd) const noexcept { return index_[static_cast<std::size_t>(fd)]; }

  bool nothing_watched_ = true;
  int wake_fd_;
  deferred::detail::Atomic<bool> woken_{false};
  std::vector<pollfd> fds_;           // the first is the wake-up's
  std::vector<IoHandler*> handlers_;  // of fds_
  std::vector<std::size_t> index_;    // by fd: where it stands in fds_, 0 if it does not
};

}  // namespace deferred::reactors
