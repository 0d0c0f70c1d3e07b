// SPDX-License-Identifier: MIT
//
// run: a child process to its end, with all it writes. Next: process.hpp, for one to talk with.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>

#include "deferred/io/process.hpp"
#include "deferred/memory/api.hpp"

namespace deferred::io {

class RunOptions : public ProcessOptions {
 public:
  RunOptions() noexcept {}

  /// What it reads, if its input is a pipe; std::invalid_argument if it is none.
  std::string given;
  /// So much of its output, and so much of its errors.
  std::size_t limit = 64 << 20;
  /// So long it has between SIGTERM and SIGKILL.
  std::chrono::nanoseconds grace = std::chrono::seconds(5);
};

/// What a child has come to.
class Completed {
 public:
  Completed(Exit how, std::string written, std::string complained) noexcept
      : exit(how), output(std::move(written)), errors(std::move(complained)) {}
  Exit exit;
  std::string output;
  std::string errors;
};

/// Starts a child (Process::start), gives it its input, reads its output and its errors to their
/// ends, at once, and waits for its own. That it fails is no error: see `exit`. Errc::too_long if
/// it writes more than the limit.
///
/// Cancelled, or failed, it ends the child and its group, SIGTERM first and SIGKILL after the
/// grace, and waits for that.
DEFERRED_API Task<Completed> run(Command command, RunOptions options = {});

}  // namespace deferred::io
