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
  TaskCanceller(Chain& owner, Microthread& of) noexcept
      : Canceller(owner, &ask_it, &destroy_it), microthread(of) {
    microthread.retain();
  }
  static Cancelling ask_it(Canceller& self) {
    cancel_once(static_cast<TaskCanceller&>(self).microthread);
    return Cancelling::answer_follows;
  }
  static void destroy_it(Canceller& self) noexcept {
    auto& canceller = static_cast<TaskCanceller&>(self);
    canceller.microthread.release();
    canceller.chain.free_arena(&canceller, sizeof(TaskCanceller), alignof(TaskCanceller));
  }
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
