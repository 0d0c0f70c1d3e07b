// SPDX-License-Identifier: MIT
//
// defer_later: one call, later, as a Deferred. Next: pause.hpp, which a task awaits;
// reactor/delayed_call.hpp, whose result nobody gets; tasks/looping_call.hpp.
#pragma once

#include <utility>

#include "deferred/reactor/reactor.hpp"
#include "deferred/results/deferred.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/to_deferred.hpp"

namespace deferred {

/// A Deferred that fires when `delay` has passed, in the next turn at the earliest. cancel() takes
/// the timer back: Cancelled. (Twisted: deferLater)
inline Deferred<void> defer_later(Reactor& reactor, AnyDuration delay,
                                  SourceLocation where = SourceLocation::current()) {
  return to_deferred(reactor, Pause{delay}, where);
}
/// Calls `f()` then, and fires with what it gives or throws. If it gives a Deferred, that is waited
/// for, and a cancel() is for that. Cancelled before, f is destroyed uncalled.
template <class F>
auto defer_later(Reactor& reactor, AnyDuration delay, F f,
                 SourceLocation where = SourceLocation::current()) {
  Deferred<void> due = defer_later(reactor, delay, where);
  try {
    return std::move(due).add_callback(std::move(f), where);
  } catch (...) {
    std::move(due).abandon();
    throw;
  }
}

/// The same two on Reactor::current(): in a task or a callback nobody has to pass the reactor.
inline Deferred<void> defer_later(AnyDuration delay,
                                  SourceLocation where = SourceLocation::current()) {
  return defer_later(Reactor::current(), delay, where);
}
template <class F>
auto defer_later(AnyDuration delay, F f, SourceLocation where = SourceLocation::current()) {
  return defer_later(Reactor::current(), delay, std::move(f), where);
}

}  // namespace deferred
