// SPDX-License-Identifier: MIT
//
// What runs in a CancelScope, and in a scope that is nobody's but ends at a time. Part of
// cancel_scope.hpp: include that.
#pragma once

#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "deferred/memory/api.hpp"
#include "deferred/reactor/backend.hpp"
#include "deferred/reactor/delayed_call.hpp"
#include "deferred/results/errors.hpp"
#include "deferred/results/failure.hpp"
#include "deferred/tasks/detail/open_scope.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/tasks/yield_to.hpp"

namespace deferred {

class CancelScope;

namespace detail {

/// One run of a CancelScope, in its list.
class DEFERRED_API ScopeRun {
 public:
  explicit ScopeRun(CancelScope& scope);
  ScopeRun(const ScopeRun&) = delete;
  ScopeRun& operator=(const ScopeRun&) = delete;
  ~ScopeRun() { unlink(); }

  /// What ran in it has ended.
  void close() noexcept {
    unlink();
    scope_.close();
  }
  /// Whether it was this scope that cancelled it, and nothing around. REQUIRES: closed.
  bool owns_cancel() const noexcept { return scope_.owns_cancel(); }

 private:
  friend class deferred::CancelScope;
  void unlink() noexcept;

  OpenScope scope_;
  ScopeRun* next_ = nullptr;
  ScopeRun** link_ = nullptr;  // null: the CancelScope is gone
};

/// A scope that ends at a time. Says at `place`, if that is given, where it waited then.
class DEFERRED_API TimedScope : public OpenScope {
 public:
  explicit TimedScope(TimePoint deadline, std::string* place = nullptr);

 private:
  [[gnu::visibility("hidden")]] void expire() noexcept;

  std::string* place_;
  DelayedCall timer_;
};

/// A yieldable, as a task. REQUIRES: what is awaited as a subtask outlives it.
template <class Y>
Task<AwaitedResult<Y>> as_task(std::remove_reference_t<Y>& x) {
  if constexpr (AwaitedAsSubtask<Y>) {
    return deferred::yield_to(std::forward<Y>(x));
  } else {
    return await_kept<AwaitedResult<Y>>(Kept<Y>(std::forward<Y>(x)));
  }
}

}  // namespace detail

}  // namespace deferred
