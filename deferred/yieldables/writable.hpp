// SPDX-License-Identifier: MIT
//
// Writable: waits until a descriptor can be written. For streams there is io/tcp.hpp.
#pragma once

#include "deferred/tasks/yield_to.hpp"

namespace deferred {

/// `co_await Writable{fd}` goes on when writing to `fd` would not block: there is room, a
/// connection has come about, or there is an error. REQUIRES: `fd` is open during the wait.
class Writable {
 public:
  explicit Writable(int descriptor) noexcept : fd(descriptor) {}

  Watch yield_to(Waiter<void> waiter) const {
    return waiter.reactor().watch(fd, Ready::write, [waiter] { waiter.resume(); });
  }

  int fd;
};

}  // namespace deferred
