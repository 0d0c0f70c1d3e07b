// SPDX-License-Identifier: MIT
#include "reactors/detail/wake_fd.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace deferred::reactors {

WakeFd::WakeFd() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0) {
    throw std::system_error(errno, std::generic_category(), "reactor: eventfd for wake-ups");
  }
}

WakeFd::~WakeFd() { ::close(fd_); }

void WakeFd::wake() noexcept {
  if (woken_.exchange(true)) return;  // one is on its way
  const int before = errno;           // a signal handler must leave it
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof one);
  errno = before;
}

// First the eventfd, then the flag: a wake() in between writes nothing, but what it tells of is
// seen by the turn that follows. The other way round its write could be eaten here, and all later
// ones be held back by the flag.
void WakeFd::drain() noexcept {
  std::uint64_t count;
  [[maybe_unused]] const auto got = ::read(fd_, &count, sizeof count);
  woken_.exchange(false);
}

}  // namespace deferred::reactors
