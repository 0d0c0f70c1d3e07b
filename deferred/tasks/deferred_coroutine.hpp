// SPDX-License-Identifier: MIT
//
// Coroutines that return Deferred<T>: inlineCallbacks. The call runs the body at once, as a
// function does, up to its first real wait; the rest runs on a reactor. Include this header to
// write one.
#pragma once

#include <coroutine>

#include "deferred/results/deferred.hpp"
#include "deferred/tasks/detail/deferred_promise.hpp"
#include "deferred/tasks/task.hpp"

/// A function or member function, or lambda, that returns Deferred<T> and awaits. Its reactor is
/// its first parameter (`*this` included) that is a Reactor& or has `reactor()`; else the running
/// microthread's; else the thread's running one; else the thread's only one. With none it runs as
/// long as nothing makes it wait, and NoReactorError is thrown at the first await that would.
/// Deep recursion of such calls is native recursion: use Task inside. (Twisted: inlineCallbacks)
template <class T, class... P>
struct std::coroutine_traits<deferred::Deferred<T>, P...> {
  using promise_type = deferred::detail::DeferredPromise<T>;
};
