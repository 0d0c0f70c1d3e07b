// SPDX-License-Identifier: MIT
//
// Every exception type of the library, one sentence each. All derive from std::exception but
// Cancelled, so that `catch (const std::exception&)` cannot swallow a cancellation by accident.
// System calls fail with std::system_error.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <utility>

namespace deferred {

/// The operation was cancelled. Final, so that telling it from other errors is one comparison.
/// (Twisted: CancelledError)
struct Cancelled final {
  const char* what() const noexcept { return "cancelled"; }
};

/// Whoever should have answered is gone: a Promise, Waiter or Reply was dropped without an answer,
/// or a microthread was closed before it had a result.
class AbandonedError : public std::runtime_error {
 public:
  explicit AbandonedError(const std::string& what, bool by_closing = false)
      : std::runtime_error(what), by_closing_(by_closing) {}
  /// Closing or shutdown dropped it, not a mistake: not reported as an unhandled failure.
  bool by_closing() const noexcept { return by_closing_; }

 private:
  bool by_closing_;
};

/// A Promise was fired a second time. (Twisted: AlreadyCalledError)
class AlreadyCalledError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// A callback returned the very Deferred it is attached to, or a cycle of Deferreds would wait for
/// itself.
class CircularChainError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// unpause() was called more often than pause().
class NotPausedError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// The time given to with_timeout or add_timeout ran out.
class TimeoutError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  /// "timed out after 1.5 s waiting on Pause": for whoever sets a limit to a wait.
  TimeoutError(std::chrono::nanoseconds limit, const std::type_info& waited_for);
};

/// A Value holds something that no yield_to handler knows.
class UnknownYieldable : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// A wait or a timer needs a reactor and none could be found, or it is already destroyed.
class NoReactorError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// A reactor was used out of turn: such as run() inside run().
class ReactorStateError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Nothing can wake the live microthreads any more: goes to the reactor's error hook.
class StuckError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Something was asked of a microthread that is running right now, such as throwing into itself.
class TaskRunningError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

}  // namespace deferred
