// SPDX-License-Identifier: MIT
//
// OpenScope: a cancel scope around the rest of a library coroutine's body. Lives in that
// coroutine's frame; never in a user's, for a destructor cannot swallow Cancelled.
#pragma once

#include "deferred/reactor/detail/cancel.hpp"
#include "deferred/reactor/detail/describe.hpp"
#include "deferred/reactor/detail/extras.hpp"
#include "deferred/reactor/detail/microthread.hpp"
#include "deferred/reactor/task_ref.hpp"

namespace deferred::detail {

class OpenScope {
 public:
  /// Around what the running microthread does from here on. A shield keeps the cancels of outer
  /// scopes away until it is closed.
  explicit OpenScope(bool shield = false) : microthread_(*current_microthread) {
    Extras& extras = extras_of(microthread_);
    scope_.outer = extras.innermost;
    scope_.shield = shield;
    extras.innermost = &scope_;
    if (shield) update_cancelled(microthread_);
  }
  OpenScope(const OpenScope&) = delete;
  OpenScope& operator=(const OpenScope&) = delete;
  ~OpenScope() { close(); }

  /// Throws NoReactorError if the microthread has none.
  Reactor& reactor() const {
    if (!microthread_.reactor) no_reactor(microthread_);
    return *microthread_.reactor;
  }
  TaskRef task() const noexcept { return TaskRef(microthread_); }
  /// Throws Cancelled at the leaf below, and at each later await, until the scope is closed.
  void cancel() noexcept {
    scope_.cancelled = true;
    update_cancelled(microthread_);
  }
  /// Ends the scope; what is cancelled outside of it still is.
  void close() noexcept {
    if (!open_) return;
    open_ = false;
    microthread_.extras()->innermost = scope_.outer;
    update_cancelled(microthread_);
  }
  /// A Cancelled that came out of the closed scope stops here: it was this scope that was
  /// cancelled, and nothing around it.
  bool owns_cancel() const noexcept {
    return scope_.cancelled && !microthread_.is(Microthread::cancelled);
  }

 private:
  Microthread& microthread_;
  Scope scope_;
  bool open_ = true;
};

}  // namespace deferred::detail
