// SPDX-License-Identifier: MIT
//
// The Deferred of a microthread's result, and how it cancels the microthread.
#pragma once

#include <new>
#include <utility>

#include "deferred/reactor/detail/cancel.hpp"
#include "deferred/reactor/detail/microthread.hpp"
#include "deferred/results/deferred.hpp"
#include "deferred/results/detail/chain.hpp"

namespace deferred::detail {

/// Makes cancel() of a microthread's Deferred cancel what it waits on. (Twisted: rows on
/// cancelling inlineCallbacks)
struct TaskCanceller : Canceller {
  TaskCanceller(Chain& owner, Microthread& of) noexcept : chain(owner), microthread(of) {
    microthread.retain();
    keeps = true;
    ask = [](Chain&, Canceller& self) {
      cancel_in_a_row(static_cast<TaskCanceller&>(self).microthread);
      return true;
    };
    destroy = [](Canceller& self) noexcept {
      auto& canceller = static_cast<TaskCanceller&>(self);
      canceller.microthread.release();
      canceller.chain.free_arena(&canceller, sizeof(TaskCanceller), alignof(TaskCanceller));
    };
  }
  Chain& chain;
  Microthread& microthread;
};

/// A pending Deferred of the microthread's result, and its completion.
template <class T>
Deferred<T> deferred_of(Microthread& m, SourceLocation where) {
  Chain* const chain = Chain::make(where);
  void* const memory = chain->arena(sizeof(TaskCanceller), alignof(TaskCanceller));
  chain->set_canceller(new (memory) TaskCanceller(*chain, m));
  m.completion() = chain;
  return DeferredAccess::deferred<T>(chain);
}

}  // namespace deferred::detail
