// SPDX-License-Identifier: MIT
//
// Awaiting a Deferred: `T value = co_await std::move(deferred);`, with its failure thrown at the
// await. Next: as_outcome.hpp (without a throw), with_timeout.hpp.
#pragma once

#include <utility>

#include "deferred/deferred.hpp"
#include "deferred/spawn.hpp"
#include "deferred/yield_to.hpp"

namespace deferred {

/// The undo of an awaited Deferred: if the wait ends before the result is there (cancelled, closed,
/// timed out), the operation is cancelled and its result ignored.
class DeferredUndo {
 public:
  explicit DeferredUndo(Deferred<void> rest) noexcept : rest_(std::move(rest)) {}
  DeferredUndo(DeferredUndo&&) noexcept = default;
  DeferredUndo& operator=(DeferredUndo&&) = delete;
  ~DeferredUndo() {
    if (rest_.valid() && !rest_.has_result()) std::move(rest_).abandon();
  }
  /// A one-shot cancel of the waiting coroutine is passed on, and its answer waited for. (Twisted:
  /// cancelling inlineCallbacks)
  bool request_cancel() {
    rest_.cancel();
    return true;
  }

 private:
  Deferred<void> rest_;
};

/// A fired Deferred is taken at once, without a suspension. The microthread goes on in the
/// reactor's next round after the Deferred fires, not inside callback() as in Twisted.
template <class T>
struct yieldable<Deferred<T>> {
  static DeferredUndo yield_to(Deferred<T>&& deferred, Waiter<T> waiter) {
    if (deferred.has_result()) {
      waiter.fire(std::move(deferred).result());
      return DeferredUndo({});
    }
    return DeferredUndo(std::move(deferred).add_both(
        [waiter = std::move(waiter)](Outcome<T> outcome) { waiter.fire(std::move(outcome)); }));
  }
};

template <class T>
struct yieldable<Deferred<T>&> {
  static_assert(!sizeof(T*),
                "co_await: a Deferred has one consumer: await std::move(d), or share() it");
  static void yield_to(Deferred<T>&, Waiter<T>);
};

/// A spawned microthread is awaited as the Deferred of its result.
template <class T>
struct yieldable<Spawned<T>> {
  static DeferredUndo yield_to(Spawned<T>&& spawned, Waiter<T> waiter) {
    return yieldable<Deferred<T>>::yield_to(std::move(spawned).deferred(), std::move(waiter));
  }
};

}  // namespace deferred
