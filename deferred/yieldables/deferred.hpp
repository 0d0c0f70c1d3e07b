// SPDX-License-Identifier: MIT
//
// Awaiting a Deferred: `T value = co_await std::move(deferred);`, with its failure thrown at the
// await. Next: as_outcome.hpp (without a throw), with_timeout.hpp.
#pragma once

#include <utility>

#include "deferred/results/deferred.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/tasks/yield_to.hpp"

namespace deferred {

/// The undo of a wait for a Deferred's result: if the wait ends before the result is there
/// (cancelled, closed, timed out), the operation is cancelled and its result ignored.
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

/// The same for a Deferred that this wait alone consumes. It stands in the coroutine's frame, and
/// is the last link of the chain itself.
template <class T>
class AwaitedDeferred : private detail::Link {
 public:
  /// For a Deferred that had its result: nothing is left to undo.
  AwaitedDeferred() noexcept : Link(&answer, SourceLocation()) {}
  /// Takes over the consuming end.
  AwaitedDeferred(detail::Chain& chain, Waiter<T>&& waiter) noexcept
      : Link(&answer, SourceLocation()), chain_(&chain), waiter_(std::move(waiter)) {
    chain.append(this);
  }
  AwaitedDeferred(const AwaitedDeferred&) = delete;
  AwaitedDeferred& operator=(const AwaitedDeferred&) = delete;
  ~AwaitedDeferred() {
    if (chain_) [[unlikely]]
      abandon();
  }
  bool request_cancel() {
    if (chain_) chain_->cancel();
    return true;
  }

 private:
  // Always to be executed: its hold on the chain keeps the block from being destroyed before.
  static void answer(detail::Chain& chain, detail::Link& self, bool) noexcept {
    auto& awaited = static_cast<AwaitedDeferred&>(self);
    awaited.chain_ = nullptr;
    const Waiter<T>& waiter = awaited.waiter_;
    try {
      if (chain.state() == detail::Chain::State::failure) {
        waiter.throw_(chain.take_failure());
      } else if constexpr (std::is_void_v<T>) {
        chain.clear();
        waiter.resume();
      } else {
        waiter.resume(detail::Cell<T>::take(chain));
      }
    } catch (...) {  // the move of the value threw
      waiter.throw_(Failure::current());
    }
    chain.drop_consumer();
  }
  [[gnu::noinline, gnu::cold]] void abandon() noexcept {
    detail::Chain& chain = *std::exchange(chain_, nullptr);
    chain.remove_last(*this);
    chain.cancel();
    chain.drop_unreported();
  }

  detail::Chain* chain_ = nullptr;  // null once it has answered
  Waiter<T> waiter_;
};

/// A fired Deferred is taken at once, without a suspension. The microthread goes on in the
/// reactor's next round after the Deferred fires, not inside callback() as in Twisted.
template <class T>
struct yieldable<Deferred<T>> {
  static AwaitedDeferred<T> yield_to(Deferred<T>&& deferred, Waiter<T> waiter) {
    auto& state = detail::Access::state(deferred);
    if (state.has_result()) {
      waiter.fire(state.take());
      return {};
    }
    if (!state.valid()) detail::throw_moved_from();
    return {*state.release_chain(), std::move(waiter)};
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
  static AwaitedDeferred<T> yield_to(Spawned<T>&& spawned, Waiter<T> waiter) {
    return yieldable<Deferred<T>>::yield_to(std::move(spawned).deferred(), std::move(waiter));
  }
};

}  // namespace deferred
