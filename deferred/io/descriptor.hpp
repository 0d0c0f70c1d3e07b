// SPDX-License-Identifier: MIT
//
// Descriptor: a file descriptor that is owned.
#pragma once

#include <utility>

#include "deferred/memory/api.hpp"

namespace deferred::io {

/// Closed at its end, unless it was given away.
class [[nodiscard]] Descriptor {
 public:
  Descriptor() noexcept = default;
  /// Takes it over; -1 is none, as after a move.
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    Descriptor old(std::move(other));
    std::swap(fd_, old.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) close();
  }

  int fd() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  /// Gives it away.
  int release() noexcept { return std::exchange(fd_, -1); }
  /// Closes it now.
  DEFERRED_API void close() noexcept;

 private:
  int fd_ = -1;
};

}  // namespace deferred::io
