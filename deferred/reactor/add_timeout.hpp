// SPDX-License-Identifier: MIT
//
// add_timeout: a limit on a Deferred, for callback code. Coroutines use
// yieldables/with_timeout.hpp.
#pragma once

#include <memory>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "deferred/reactor/reactor.hpp"
#include "deferred/results/deferred.hpp"
#include "deferred/results/errors.hpp"

namespace deferred {

/// Gives a Deferred of the same result, and cancels `deferred` if it has none after `limit`.
/// Cancelled then becomes what `on_timeout(Outcome<T>, limit)` returns. A result that came in time,
/// that the operation made of a cancel - at once or later -, or that an explicit cancel() left, is
/// not changed: cancel() of what is given goes to `deferred`, and its answer is waited for. Only
/// what was added before is covered: an errback there sees Cancelled, and may swallow it. (Twisted:
/// Deferred.addTimeout)
template <Deferrable D, class F>
  requires std::is_invocable_v<F&, Outcome<typename D::value_type>, Duration>
Deferred<typename D::value_type> add_timeout(D deferred, AnyDuration limit, Reactor& reactor,
                                             F on_timeout,
                                             SourceLocation where = SourceLocation::current());
/// The same, with TimeoutError in place of Cancelled.
template <Deferrable D>
Deferred<typename D::value_type> add_timeout(D deferred, AnyDuration limit, Reactor& reactor,
                                             SourceLocation where = SourceLocation::current());
/// The same two on Reactor::current(): in a task or a callback nobody has to pass the reactor.
template <Deferrable D, class F>
  requires std::is_invocable_v<F&, Outcome<typename D::value_type>, Duration>
Deferred<typename D::value_type> add_timeout(D deferred, AnyDuration limit, F on_timeout,
                                             SourceLocation where = SourceLocation::current()) {
  return add_timeout(std::move(deferred), limit, Reactor::current(), std::move(on_timeout), where);
}
template <Deferrable D>
Deferred<typename D::value_type> add_timeout(D deferred, AnyDuration limit,
                                             SourceLocation where = SourceLocation::current()) {
  return add_timeout(std::move(deferred), limit, Reactor::current(), where);
}

namespace detail {

/// Between the Deferred that is limited, its timer and the Deferred that was given in its place.
template <class T, class F>
struct TimedDeferred {
  explicit TimedDeferred(F&& handler) : on_timeout(std::move(handler)) {}
  Promise<T> promise;
  Deferred<void> limited;
  DelayedCall timer;
  bool timed_out = false;
  F on_timeout;
};

}  // namespace detail

template <Deferrable D, class F>
  requires std::is_invocable_v<F&, Outcome<typename D::value_type>, Duration>
Deferred<typename D::value_type> add_timeout(D deferred, AnyDuration limit, Reactor& reactor,
                                             F on_timeout, SourceLocation where) {
  using T = typename D::value_type;
  using State = detail::TimedDeferred<T, F>;
  const auto state = std::make_shared<State>(std::move(on_timeout));
  // The canceller holds the state weakly, or state and chain would keep each other alive.
  auto [promise, timed] = make_deferred<T>(
      [weak = std::weak_ptr<State>(state)] {
        const auto alive = weak.lock();
        if (!alive) return Cancelling::now;
        alive->limited.cancel();
        return Cancelling::answer_follows;
      },
      where);
  state->promise = std::move(promise);
  state->timer = reactor.call_later(limit, [weak = std::weak_ptr<State>(state)] {
    if (const auto alive = weak.lock()) {
      alive->timed_out = true;
      alive->limited.cancel();
    }
  });
  const auto end = [state, limit = Duration(limit)](Outcome<T>&& outcome) {
    state->timer = {};
    if (!state->timed_out || !outcome.template check<Cancelled>())
      return state->promise.fire(std::move(outcome));
    // A cancel() now is for what on_timeout gives.
    state->limited = detail::DeferredAccess::kept_to_cancel(
        maybe_deferred(state->on_timeout, std::move(outcome), limit)
            .add_both([state](Outcome<T>&& late) { state->promise.fire(std::move(late)); }));
  };
  state->limited =
      detail::DeferredAccess::kept_to_cancel(Deferred<T>(std::move(deferred)).add_both(end, where));
  return std::move(timed);
}

template <Deferrable D>
Deferred<typename D::value_type> add_timeout(D deferred, AnyDuration limit, Reactor& reactor,
                                             SourceLocation where) {
  using T = typename D::value_type;
  return add_timeout(
      std::move(deferred), limit, reactor,
      [where](Outcome<T>, Duration after) -> Outcome<T> {
        return Failure(TimeoutError(after, typeid(Deferred<T>), "at " + to_string(where)), where);
      },
      where);
}

}  // namespace deferred
