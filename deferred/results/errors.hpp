// SPDX-License-Identifier: MIT
//
// The exception types of the library, one sentence each. All derive from std::exception but
// Cancelled, so that `catch (const std::exception&)` cannot swallow a cancellation by accident.
// System calls fail with std::system_error, as do the streams of io/, whose own codes are in
// io/errors.hpp.
#pragma once

#include <stdexcept>
#include <string>
#include <typeinfo>
#include <utility>

#include "deferred/memory/api.hpp"
#include "deferred/results/any_duration.hpp"

namespace deferred {

/// The operation was cancelled. Final, so that telling it from other errors is one comparison.
/// (Twisted: CancelledError)
struct DEFERRED_API Cancelled final {
  const char* what() const noexcept { return "cancelled"; }
};

/// Whoever should have answered is gone: a Promise, all Waiters of a wait or all senders of a Reply
/// were dropped without an answer, a microthread was closed before it had a result, or the pool or
/// the other thread's reactor that should have made it came to its end.
class DEFERRED_API AbandonedError : public std::runtime_error {
 public:
  explicit AbandonedError(const std::string& what, bool by_closing = false)
      : std::runtime_error(what), by_closing_(by_closing) {}
  /// Closing or shutdown dropped it, not a mistake: not reported as an unhandled failure.
  bool by_closing() const noexcept { return by_closing_; }

 private:
  bool by_closing_;
};

/// A Promise was fired a second time. (Twisted: AlreadyCalledError)
class DEFERRED_API AlreadyCalledError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// A callback returned the Deferred that it is a callback of, or one that waits for that Deferred;
/// or such a one was chained. Through a SharedDeferred a circle is not found: it waits for ever.
class DEFERRED_API CircularChainError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// unpause() was called more often than pause().
class DEFERRED_API NotPausedError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// The time given to with_timeout or add_timeout ran out.
class DEFERRED_API TimeoutError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  /// "timed out after 1.5 s waiting on Pause at a.cpp:3 in f": for whoever sets a limit to a wait.
  TimeoutError(AnyDuration limit, const std::type_info& waited_for,
               const std::string& place = std::string());
};

/// A send on a Channel that was closed: the item is still the sender's.
class DEFERRED_API ChannelClosedError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A Value holds something that no yield_to handler knows.
class DEFERRED_API UnknownYieldable : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// A reactor is needed and there is none: none could be found, or it is gone or was stopped.
class DEFERRED_API NoReactorError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// A reactor was used out of turn, as by run() inside run(), or stopped before a result was there.
class DEFERRED_API ReactorStateError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Nothing can wake the live microthreads any more: goes to the reactor's error hook.
class DEFERRED_API StuckError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Something was asked of a microthread that is running right now, such as throwing into itself.
class DEFERRED_API TaskRunningError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

}  // namespace deferred
