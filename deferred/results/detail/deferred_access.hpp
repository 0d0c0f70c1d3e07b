// SPDX-License-Identifier: MIT
//
// DeferredAccess: what the machinery may do with a Deferred or Promise that its users may not.
#pragma once

#include <utility>

#include "deferred/results/deferred.hpp"

namespace deferred::detail {

/// Between a Deferred or Promise and its chain.
struct DeferredAccess {
  template <class T>
  static Deferred<T> deferred(Chain* chain) noexcept {
    return Deferred<T>(chain);
  }
  template <class T>
  static Deferred<T> deferred(Outcome<T> outcome) {
    Deferred<T> ready;
    if (outcome.has_value()) {
      ready.state_.emplace([&]() -> Stored<T> { return *std::move(outcome); });
    } else {
      ready.state_.fail(std::move(outcome).failure());
    }
    return ready;
  }
  template <class T>
  static Promise<T> promise(Chain* chain) noexcept {
    Promise<T> adopted;
    adopted.chain_ = chain;
    return adopted;
  }
  template <class T>
  static DeferredState<T>& state(Deferred<T>& deferred) noexcept {
    return deferred.state_;
  }
  /// For who takes its result by a callback, and keeps it to cancel: a pause is the Promise's then.
  template <class T>
  static Deferred<T> kept_to_cancel(Deferred<T> pending) noexcept {
    if (Chain* const chain = pending.state_.chain()) chain->leave_pauses_to_promise();
    return pending;
  }
  template <class T>
  static Chain& chain(Promise<T>& promise) {
    return promise.chain();
  }
  /// The chain, and with it the Promise's reference.
  template <class T>
  static Chain* release(Promise<T>& promise) noexcept {
    return std::exchange(promise.chain_, nullptr);
  }
};

}  // namespace deferred::detail
