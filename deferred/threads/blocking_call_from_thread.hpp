// SPDX-License-Identifier: MIT
//
// blocking_call_from_thread: how a thread without a reactor asks a reactor for something, and waits
// for it. Next: reactor/remote_reactor.hpp (without waiting), in_thread.hpp (the way there).
#pragma once

#include <type_traits>
#include <utility>

#include "deferred/reactor/reactor.hpp"
#include "deferred/reactor/remote_reactor.hpp"
#include "deferred/results/errors.hpp"
#include "deferred/threads/detail/remote_call.hpp"

namespace deferred {

/// Calls `f()` on the reactor's thread in its next turn, blocks this thread until there is a
/// result, and returns it or throws its error. If `f` returns a Deferred, a Task or something else
/// yieldable, this is awaited there.
///
/// ReactorStateError: this is the reactor's own thread, which would wait for itself.
/// NoReactorError: the reactor is gone or has stopped, and `f` is not called. AbandonedError: it
/// stopped (by stop()) or was destroyed before there was a result; what `f` returned is closed
/// then. A reactor that is not run keeps the caller waiting, and so does one that is joining the
/// caller: a pool must not end on the reactor's thread meanwhile. (Twisted: blockingCallFromThread)
template <class F>
auto blocking_call_from_thread(const RemoteReactor& reactor, F f) {
  using T = typename detail::ThereResult<F>::type;
  using Call = detail::BlockingCall<T, F>;
  if (reactor.on_its_thread()) {
    throw ReactorStateError(
        "blocking_call_from_thread: this is the reactor's own thread, which would wait for "
        "itself; call the function, or await what it returns");
  }
  const detail::WorkHandle<Call> call(new Call(reactor, std::move(f)));
  call->start();
  call->wait();
  return call->take_or_throw();
}
/// The same, for a reactor that lives when this is called.
template <class F>
auto blocking_call_from_thread(const Reactor& reactor, F f) {
  return blocking_call_from_thread(reactor.remote(), std::move(f));
}

}  // namespace deferred
