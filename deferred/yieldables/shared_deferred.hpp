// SPDX-License-Identifier: MIT
//
// Awaiting a SharedDeferred: any number of times, by any number of microthreads.
#pragma once

#include <functional>
#include <type_traits>
#include <utility>

#include "deferred/results/shared_deferred.hpp"
#include "deferred/yieldables/deferred.hpp"

namespace deferred {

/// `const T& value = co_await shared;` reads the result where it lies: it lives as long as one of
/// the handles. A failure is thrown at each await. Cancelling one reader leaves the operation and
/// the other readers alone.
template <class T>
struct yieldable<SharedDeferred<T>> {
  using Read = std::conditional_t<std::is_void_v<T>, void, std::reference_wrapper<const T>>;

  static DeferredUndo yield_to(const SharedDeferred<T>& shared, Waiter<Read> waiter) {
    return DeferredUndo(shared.add_both([waiter = std::move(waiter)](const Outcome<T>& outcome) {
      if (!outcome.has_value()) {
        waiter.throw_(outcome.failure());
      } else if constexpr (std::is_void_v<T>) {
        waiter.resume();
      } else {
        waiter.resume(std::cref(*outcome));
      }
    }));
  }
};

}  // namespace deferred
