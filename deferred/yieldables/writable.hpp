// SPDX-License-Identifier: MIT
//
// Writable: waits until a descriptor can be written. For streams there is io.hpp.
#pragma once

#include <string>

#include "deferred/reactor/reactor.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/tasks/waiter.hpp"

namespace deferred {

/// `co_await Writable{fd}` goes on when writing to `fd` would not block: there is room, a
/// connection has come about, or there is an error. REQUIRES: `fd` is open during the wait.
class [[nodiscard]] Writable {
 public:
  [[nodiscard]] explicit Writable(int descriptor) noexcept : fd(descriptor) {}

  Watch yield_to(Waiter<void> waiter) const {
    return waiter.reactor().watch(fd, Ready::write, [waiter] { waiter.resume(); });
  }
  /// "descriptor 5 to be writable", for dumps.
  std::string describe() const { return "descriptor " + std::to_string(fd) + " to be writable"; }

  int fd;
};

}  // namespace deferred
