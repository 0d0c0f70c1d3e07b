// SPDX-License-Identifier: MIT
//
// PollSet: watched fds and a wake-up, over poll(2). The part that the poll and virtual-time
// backends share; not installed.
#pragma once

#include <cstddef>
#include <vector>

#include "deferred/reactor/backend.hpp"
#include "reactors/detail/wake_fd.hpp"

struct pollfd;  // <poll.h>

namespace deferred::reactors {

class PollSet {
 public:
  PollSet();
  PollSet(const PollSet&) = delete;
  PollSet& operator=(const PollSet&) = delete;
  ~PollSet();

  void wake() noexcept { wake_.wake(); }
  void watch(int fd, Ready interest, IoHandler& handler);
  void rewatch(int fd, Ready interest) noexcept;
  void unwatch(int fd) noexcept;

  /// In the child of a fork(): nothing is watched any more.
  void forked() noexcept;

  /// Waits at most `timeout` (max(): without end) and reports what is ready. True if anything was,
  /// or it was woken.
  bool wait(Duration timeout);
  /// No fd is watched and nobody has called wake(): a wait without a block would find nothing.
  bool quiet() const noexcept { return nothing_watched_ && !wake_.woken(); }

 private:
  std::size_t index_of(int fd) const noexcept { return index_[static_cast<std::size_t>(fd)]; }

  bool nothing_watched_ = true;
  WakeFd wake_;
  std::vector<pollfd> fds_;           // the first is the wake-up's
  std::vector<IoHandler*> handlers_;  // of fds_
  std::vector<std::size_t> index_;    // by fd: where it stands in fds_, 0 if it does not
};

}  // namespace deferred::reactors
