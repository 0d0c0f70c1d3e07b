// SPDX-License-Identifier: MIT
//
// The standard streams, and a terminal's raw mode.
#pragma once

#include <memory>

#include "deferred/io/stream.hpp"
#include "deferred/memory/api.hpp"

namespace deferred::io {

/// What the process was started with, whatever that is: a terminal, a pipe, a socket, a file,
/// /dev/null. (A file is read and written at once: a slow disk holds the reactor up.) The
/// descriptor's flags are left as they are, for the shell and other processes share them; closing
/// the stream leaves the descriptor open. What iostreams and stdio have buffered is
/// not seen. Each call gives another stream: use one at a time for input, or bytes go to either.
/// Throws std::system_error, "standard input: Bad file descriptor", if it is closed. On the reactor
/// of the running task, or a named one.
DEFERRED_API Stream standard_input();
DEFERRED_API Stream standard_input(Reactor& reactor);
/// As standard_input().
DEFERRED_API Stream standard_output();
DEFERRED_API Stream standard_output(Reactor& reactor);
/// As standard_input().
DEFERRED_API Stream standard_error();
DEFERRED_API Stream standard_error(Reactor& reactor);

/// While it lives, the terminal at a descriptor gives each key at once, echoes nothing, and makes
/// no signals of Ctrl-C and the like. Its end brings back what was before.
class [[nodiscard]] DEFERRED_API RawMode {
 public:
  /// Throws std::system_error, "raw mode: Inappropriate ioctl for device", of what is no terminal.
  explicit RawMode(int terminal = 0);
  RawMode(RawMode&& other) noexcept = default;
  RawMode& operator=(RawMode&&) = delete;
  ~RawMode();

 private:
  struct Before;
  std::unique_ptr<Before> before_;
};

}  // namespace deferred::io
