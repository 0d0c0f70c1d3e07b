// SPDX-License-Identifier: MIT
//
// Awaiting a Deferred: how it is yielded to. Knows of a Waiter only that it answers.
#pragma once

#include <utility>

#include "deferred/results/cancelling.hpp"
#include "deferred/results/deferred.hpp"
#include "deferred/results/detail/deferred_access.hpp"
#include "deferred/yieldable.hpp"

namespace deferred {

namespace detail {

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
  Cancelling request_cancel() {
    rest_.cancel();
    return Cancelling::answer_follows;
  }

 private:
  Deferred<void> rest_;
};

/// The same for a Deferred that this wait alone consumes. It stands in the coroutine's frame, and
/// is the last link of the chain itself.
template <class T>
class AwaitedDeferred : private Link {
 public:
  /// For a Deferred that had its result: nothing is left to undo.
  AwaitedDeferred() noexcept : Link(&answer, SourceLocation()) {}
  /// Takes over the consuming end.
  AwaitedDeferred(Chain& chain, Waiter<T>&& waiter) noexcept
      : Link(&answer, SourceLocation()), chain_(&chain), waiter_(std::move(waiter)) {
    chain.append(this);
    chain.leave_pauses_to_promise();
  }
  AwaitedDeferred(const AwaitedDeferred&) = delete;
  AwaitedDeferred& operator=(const AwaitedDeferred&) = delete;
  ~AwaitedDeferred() {
    if (chain_) [[unlikely]]
      abandon();
  }
  Cancelling request_cancel() {
    if (chain_) chain_->cancel();
    return Cancelling::answer_follows;
  }

 private:
  // Always to be executed: its hold on the chain keeps the block from being destroyed before.
  static void answer(Chain& chain, Link& self, bool) noexcept {
    auto& awaited = static_cast<AwaitedDeferred&>(self);
    awaited.chain_ = nullptr;
    const Waiter<T>& waiter = awaited.waiter_;
    try {
      if (chain.state() == Chain::State::failure) {
        waiter.throw_(chain.take_failure());
      } else if constexpr (std::is_void_v<T>) {
        chain.clear();
        waiter.resume();
      } else {
        waiter.resume(Cell<T>::take(chain));
      }
    } catch (...) {  // the move of the value threw
      waiter.throw_(Failure::current());
    }
    chain.release();
  }
  [[gnu::noinline, gnu::cold]] void abandon() noexcept {
    Chain& chain = *std::exchange(chain_, nullptr);
    chain.remove_last(*this);
    chain.silence();
    chain.cancel();
    chain.drop_consumer();
  }

  Chain* chain_ = nullptr;  // null once it has answered
  Waiter<T> waiter_;
};

}  // namespace detail

template <class T>
struct yieldable<Deferred<T>> {
  static detail::AwaitedDeferred<T> yield_to(Deferred<T>&& deferred, Waiter<T> waiter) {
    auto& state = detail::DeferredAccess::state(deferred);
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

}  // namespace deferred
