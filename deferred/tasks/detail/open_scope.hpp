// SPDX-License-Identifier: MIT
//
// OpenScope: a cancel scope around the rest of a library coroutine's body. Lives in that
// coroutine's frame; never in a user's, for a destructor cannot swallow Cancelled.
#pragma once

#include "deferred/reactor/detail/describe.hpp"
#include "deferred/reactor/detail/microthread.hpp"
#include "deferred/reactor/detail/scope.hpp"
#include "deferred/reactor/task_ref.hpp"

namespace deferred::detail {

enum class Shielding : unsigned char {
  none,
  level,  // what is cancelled around it is kept away: for the library's own waits
  both,   // one-shot cancels are held until its end, too
};

class OpenScope {
 public:
  /// Around what the running microthread does from here on.
  explicit OpenScope(Shielding shield = Shielding::none) {
    scope_.shield = shield != Shielding::none;
    scope_.holds_once = shield == Shielding::both;
    push_scope(*current_microthread, scope_);
  }
  OpenScope(const OpenScope&) = delete;
  OpenScope& operator=(const OpenScope&) = delete;
  ~OpenScope() { close(); }

  /// Throws NoReactorError if the microthread has none.
  Reactor& reactor() const {
    if (!scope_.task->reactor) no_reactor(*scope_.task);
    return *scope_.task->reactor;
  }
  TaskRef task() const noexcept { return TaskRef(*scope_.task); }
  void set_deadline(TimePoint deadline) noexcept { scope_.deadline = deadline; }
  /// Throws Cancelled at the leaf below, and at each later await, until the scope is closed.
  void cancel() noexcept { cancel_scope(scope_); }
  /// Ends the scope; what is cancelled outside of it still is.
  void close() noexcept {
    if (!open_) return;
    open_ = false;
    pop_scope(*scope_.task, scope_);
  }
  /// A Cancelled that came out of the closed scope stops here: it was this scope that was
  /// cancelled, and nothing around it.
  bool owns_cancel() const noexcept {
    return scope_.cancelled && !scope_.task->is(Microthread::cancelled);
  }

 private:
  Scope scope_;
  bool open_ = true;
};

}  // namespace deferred::detail
