// SPDX-License-Identifier: MIT
//
// defer_to_thread: a function in a thread, as a Deferred. Next: in_thread.hpp, the same
// as a yieldable, which says what holds for both.
#pragma once

#include <type_traits>
#include <utility>

#include "deferred/tasks/spawn.hpp"
#include "deferred/threads/in_thread.hpp"

namespace deferred {

/// Gives the call to its pool at once, and returns the Deferred of its result, which fires on the
/// reactor's thread, in its next turn or later. So several calls are under way before the first is
/// waited for: `auto a = defer_to_thread(reactor, f); auto b = defer_to_thread(reactor, g);`
///
/// cancel() takes back a function that has not begun: Cancelled. One that runs is let end, and its
/// result is given in spite of the cancel, unless `in_thread(...).abandon_on_cancel()` was given:
/// then Cancelled at once. Throws what the pool throws. (Twisted: deferToThread)
template <class F, class... A>
auto defer_to_thread(Reactor& reactor, InThread<F, A...> call) {
  using R = typename InThread<F, A...>::Result;
  return Deferred<R>(spawn(reactor, detail::InThreadAccess::start(std::move(call), true)));
}
/// The same for `f(arguments...)` on default_pool().
template <class F, class... A>
  requires std::is_invocable_v<std::decay_t<F>, std::decay_t<A>...>
auto defer_to_thread(Reactor& reactor, F&& f, A&&... arguments) {
  return defer_to_thread(reactor, in_thread(std::forward<F>(f), std::forward<A>(arguments)...));
}
/// The same on a pool of one's own.
template <class F, class... A>
auto defer_to_thread(Reactor& reactor, Pool& pool, F&& f, A&&... arguments) {
  return defer_to_thread(reactor,
                         in_thread(pool, std::forward<F>(f), std::forward<A>(arguments)...));
}

/// The same three on Reactor::current(): in a task nobody has to pass the reactor.
template <class F, class... A>
auto defer_to_thread(InThread<F, A...> call) {
  return defer_to_thread(Reactor::current(), std::move(call));
}
template <class F, class... A>
  requires std::is_invocable_v<std::decay_t<F>, std::decay_t<A>...>
auto defer_to_thread(F&& f, A&&... arguments) {
  return defer_to_thread(Reactor::current(), std::forward<F>(f), std::forward<A>(arguments)...);
}
template <class F, class... A>
auto defer_to_thread(Pool& pool, F&& f, A&&... arguments) {
  return defer_to_thread(Reactor::current(), pool, std::forward<F>(f),
                         std::forward<A>(arguments)...);
}

}  // namespace deferred
