// SPDX-License-Identifier: MIT
//
// Exit: how a child process has ended. Next: process.hpp.
#pragma once

#include <cstdint>
#include <string>

#include "deferred/memory/api.hpp"

namespace deferred::io {

/// A value.
class DEFERRED_API Exit {
 public:
  enum class How : std::uint8_t {
    exited,   ///< By exit(), with status().
    killed,   ///< By a signal().
    unknown,  ///< Somebody else has waited for it, or the process ignores SIGCHLD.
  };

  Exit(How how, int number) noexcept : how_(how), number_(number) {}

  How how() const noexcept { return how_; }
  /// It has ended with status 0.
  bool ok() const noexcept { return how_ == How::exited && number_ == 0; }
  /// -1 unless it has exited.
  int status() const noexcept { return how_ == How::exited ? number_ : -1; }
  /// 0 unless it was killed.
  int signal() const noexcept { return how_ == How::killed ? number_ : 0; }
  /// "exited with status 1", "killed by signal 9 (Killed)", "ended in a way that is not known".
  std::string text() const;

  friend bool operator==(const Exit&, const Exit&) = default;

 private:
  How how_;
  int number_;
};

}  // namespace deferred::io
