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
/// that the canceller made, or that an explicit cancel() left, is not changed. Only what was added
/// before is covered: an errback there sees Cancelled, and may swallow it. (Twisted:
/// Deferred.addTimeout)
template <class T, class F>
  requires std::is_invocable_v<F&, Outcome<T>, Duration>
Deferred<T> add_timeout(Deferred<T> deferred, Duration limit, Reactor& reactor, F on_timeout,
                        SourceLocation where = SourceLocation::current());
/// The same, with TimeoutError in place of Cancelled.
template <class T>
Deferred<T> add_timeout(Deferred<T> deferred, Duration limit, Reactor& reactor,
                        SourceLocation where = SourceLocation::current());
/// The same two on Reactor::current(): in a task or a callback nobody has to pass the reactor.
template <class T, class F>
  requires std::is_invocable_v<F&, Outcome<T>, Duration>
Deferred<T> add_timeout(Deferred<T> deferred, Duration limit, F on_timeout,
                        SourceLocation where = SourceLocation::current()) {
  return add_timeout(std::move(deferred), limit, Reactor::current(), std::move(on_timeout), where);
}
template <class T>
Deferred<T> add_timeout(Deferred<T> deferred, Duration limit,
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

template <class T, class F>
  requires std::is_invocable_v<F&, Outcome<T>, Duration>
Deferred<T> add_timeout(Deferred<T> deferred, Duration limit, Reactor& reactor, F on_timeout,
                        SourceLocation where) {
  using State = detail::TimedDeferred<T, F>;
  const auto state = std::make_shared<State>(std::move(on_timeout));
  // The canceller holds the state weakly, or state and chain would keep each other alive.
  auto [promise, timed] = make_deferred<T>(
      [weak = std::weak_ptr<State>(state)](Promise<T>&) {
        if (const auto alive = weak.lock()) alive->limited.cancel();
      },
      where);
  state->promise = std::move(promise);
  state->timer = reactor.call_later(limit, [weak = std::weak_ptr<State>(state)] {
    if (const auto alive = weak.lock()) {
      alive->timed_out = true;
      alive->limited.cancel();
    }
  });
  state->limited = std::move(deferred).add_both(
      [state, limit](Outcome<T> outcome) {
        state->timer = {};
        if (state->promise.fired()) return;
        if (state->timed_out && outcome.template check<Cancelled>()) {
          maybe_deferred(state->on_timeout, std::move(outcome), limit)
              .chain(std::move(state->promise));
        } else {
          state->promise.fire(std::move(outcome));
        }
      },
      where);
  return std::move(timed);
}

template <class T>
Deferred<T> add_timeout(Deferred<T> deferred, Duration limit, Reactor& reactor,
                        SourceLocation where) {
  return add_timeout(
      std::move(deferred), limit, reactor,
      [where](Outcome<T>, Duration after) -> Outcome<T> {
        return Failure(TimeoutError(after, typeid(Deferred<T>)), where);
      },
      where);
}

}  // namespace deferred
