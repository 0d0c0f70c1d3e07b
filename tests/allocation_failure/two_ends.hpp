// SPDX-License-Identifier: MIT
//
// TwoEnds: two connected sockets, to be watched.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <system_error>

namespace deferred::testing {

/// Non-blocking, and closed at its end.
class TwoEnds {
 public:
  TwoEnds() {
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds_) != 0) {
      throw std::system_error(errno, std::generic_category(), "socketpair");
    }
  }
  TwoEnds(const TwoEnds&) = delete;
  TwoEnds& operator=(const TwoEnds&) = delete;
  ~TwoEnds() {
    ::close(fds_[0]);
    ::close(fds_[1]);
  }
  int operator[](int end) const noexcept { return fds_[end]; }
  void write(int end) const noexcept { static_cast<void>(::send(fds_[end], "x", 1, 0)); }

 private:
  int fds_[2];
};

}  // namespace deferred::testing
