// SPDX-License-Identifier: MIT
//
// Process: a child process and its standard streams. Next: run.hpp, for one that is run to its end.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "deferred/io/command.hpp"
#include "deferred/io/exit.hpp"
#include "deferred/io/stream.hpp"
#include "deferred/memory/api.hpp"
#include "deferred/results/any_duration.hpp"

namespace deferred::io {

namespace detail {
class Child;
}

/// What a child has as a standard stream.
enum class Standard : std::uint8_t {
  pipe,     ///< A pipe to this process: Process::input, output or errors.
  inherit,  ///< This process's own. Of a terminal: the child is in the background, where reading
            ///< stops it.
  null,     ///< /dev/null.
};

/// How a child is started.
class ProcessOptions {
 public:
  ProcessOptions() noexcept {}

  Standard input = Standard::pipe;
  Standard output = Standard::pipe;
  Standard errors = Standard::pipe;
  /// Where it runs; where this process does, if it is empty.
  std::string directory;
  /// All of its environment, "NAME=value"; this process's own, unless it is given.
  std::optional<std::vector<std::string>> environment;
  /// Descriptors that it has as 3, 4 and so on; no others but its standard streams.
  std::vector<int> pass;
};

/// A running child, in a process group of its own, with all signals as by default and none blocked.
/// Move-only; of one that was moved from nothing may be asked. Dropped before it has ended it is
/// killed, with its group, and reaped by its reactor, so that no destructor waits; one that
/// outlives its reactor, when the next is started. A child that has ended is reaped when that was
/// waited for, or at the Process's end.
///
/// Is told of its end by a pidfd, on any backend: there is no handler of SIGCHLD, and nobody else's
/// children are touched. (Linux 5.4)
class [[nodiscard]] DEFERRED_API Process {
 public:
  /// `Process::start({"sort", "-n"})`; a program with a '/' is looked for from `directory`, another
  /// in this process's PATH. Throws std::system_error, "start PROGRAM: No such file or
  /// directory". On the reactor of the running task, or a named one.
  static Process start(Command command, const ProcessOptions& options = {});
  static Process start(Reactor& reactor, Command command, const ProcessOptions& options = {});
  Process(Process&&) noexcept = default;
  Process& operator=(Process&& other) noexcept;
  ~Process();

  /// What it reads, and what it writes; closed, where that is no pipe. Writing to a child that has
  /// ended is an error (EPIPE). What it has written can be read after its end.
  Stream input;
  Stream output;
  Stream errors;

  /// Waits for its end; any number may. (Its output may go on: by a child of its own.) A cancel
  /// leaves it running.
  Task<Exit> wait();
  /// How it has ended, if that is known yet.
  std::optional<Exit> ended() const noexcept;
  /// Sends a signal to it alone, as long as it runs; or to all of its group, also to those that
  /// have outlived it, until it is waited for.
  void signal(int number) noexcept;
  void signal_group(int number) noexcept;
  /// Ends it and its group: SIGTERM, and SIGKILL when it has ended or had its `grace`; waits for
  /// its end, whatever cancels the task meanwhile. Throws std::system_error if it may not: EPERM.
  Task<Exit> terminate(AnyDuration grace = std::chrono::seconds(5));

  long pid() const noexcept;

 private:
  [[gnu::visibility("hidden")]] explicit Process(std::shared_ptr<detail::Child> child) noexcept;

  std::shared_ptr<detail::Child> child_;  // with those that wait; null after a move
};

}  // namespace deferred::io
