// SPDX-License-Identifier: MIT
//
// to_deferred: whatever can be awaited, as a Deferred, for callbacks. Next: all.hpp, race.hpp and
// the like, which callbacks have by it; tasks/branch.hpp.
#pragma once

#include <type_traits>
#include <utility>

#include "deferred/reactor/reactor.hpp"
#include "deferred/reactor/task_ref.hpp"
#include "deferred/results/deferred.hpp"
#include "deferred/results/outcome.hpp"
#include "deferred/results/source_location.hpp"
#include "deferred/tasks/branch.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/tasks/yield_to.hpp"

namespace deferred {

namespace detail {
template <class Y>
Task<Delivered<AwaitedResult<Y>>> task_of(Y x);
template <class T>
Deferred<T> deferred_or_closed(Spawned<T> spawned, SourceLocation where);
template <class Y>
void refuse_to_deferred();
}  // namespace detail

/// Begins to wait for x, any yieldable, and gives what that gives, or an Outcome's content, as a
/// Deferred. It fires inside the call that answers; cancel() of it is a one-shot cancel of the
/// wait. Closed, as a task is, at the end of the reactor. REQUIRES: an lvalue x lives until then.
///
/// What is awaited as a subtask is spawned.
template <class Y>
Deferred<Delivered<AwaitedResult<Y>>> to_deferred(
    Reactor& reactor, Y&& x, SourceLocation where = SourceLocation::current()) {
  require_yieldable<Y>();
  using R = AwaitedResult<Y>;
  if constexpr (!AwaitedAsSubtask<Y>) {
    return start_wait(reactor, std::forward<Y>(x), where);
  } else if constexpr (!std::is_same_v<R, Delivered<R>>) {
    return detail::deferred_or_closed(spawn(reactor, detail::task_of<Y>(std::forward<Y>(x))),
                                      where);
  } else if constexpr (std::is_lvalue_reference_v<Y>) {
    return detail::deferred_or_closed(spawn(reactor, [&x] { return deferred::yield_to(x); }),
                                      where);
  } else {
    return detail::deferred_or_closed(spawn(reactor, std::forward<Y>(x)), where);
  }
}
/// The same on the reactor that Reactor::current() gives. Where there is none, it needs one only if
/// x does: `to_deferred(all(std::move(a), std::move(b)))` of Deferreds is a Deferred of both.
template <class Y>
Deferred<Delivered<AwaitedResult<Y>>> to_deferred(
    Y&& x, SourceLocation where = SourceLocation::current()) {
  require_yieldable<Y>();
  if constexpr (AwaitedAsSubtask<Y>) {
    return to_deferred(Reactor::current(), std::forward<Y>(x), where);
  } else {
    return start_wait(std::forward<Y>(x), where);
  }
}
/// What cannot be awaited does not compile.
template <class Y>
  requires(!Yieldable<Y>)
void to_deferred(Y&&, SourceLocation = {}) {
  detail::refuse_to_deferred<Y>();
}
template <class Y>
  requires(!Yieldable<Y>)
void to_deferred(Reactor&, Y&&, SourceLocation = {}) {
  detail::refuse_to_deferred<Y>();
}

namespace detail {

template <class Y>
void refuse_to_deferred() {
  static_assert(Yieldable<Y>,
                "to_deferred: this cannot be awaited. Of a plain value it is `succeed(value)`; of "
                "a function `maybe_deferred(f)` or, of a coroutine, its call: `to_deferred(f())`.");
}

/// What a yieldable gives, or fails with: of an Outcome what is in it.
template <class Y>
Task<Delivered<AwaitedResult<Y>>> task_of(Y x) {
  Outcome<Delivered<AwaitedResult<Y>>> outcome = co_await unlisted(std::forward<Y>(x));
  co_return std::move(outcome).value();
}

/// What was spawned does not run if there is no memory for its Deferred.
template <class T>
Deferred<T> deferred_or_closed(Spawned<T> spawned, SourceLocation where) {
  TaskRef task = spawned.task();
  try {
    return std::move(spawned).deferred(where);
  } catch (...) {
    task.close();
    throw;
  }
}

}  // namespace detail

}  // namespace deferred
