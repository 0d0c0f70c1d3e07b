// SPDX-License-Identifier: MIT
//
// Readable: waits until a descriptor can be read. For streams there is io.hpp.
#pragma once

#include <string>

#include "deferred/reactor/reactor.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/tasks/waiter.hpp"

namespace deferred {

/// `co_await Readable{fd}` goes on when reading `fd` would not block: there is data, its end, a
/// connection to accept, or an error. REQUIRES: `fd` is open during the wait.
class [[nodiscard]] Readable {
 public:
  [[nodiscard]] explicit Readable(int descriptor) noexcept : fd(descriptor) {}

  Watch yield_to(Waiter<void> waiter) const {
    return waiter.reactor().watch(fd, Ready::read, [waiter] { waiter.resume(); });
  }
  /// "descriptor 5 to be readable", for dumps.
  std::string describe() const { return "descriptor " + std::to_string(fd) + " to be readable"; }

  int fd;
};

}  // namespace deferred
