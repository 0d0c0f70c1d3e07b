// SPDX-License-Identifier: MIT
//
// on: runs a subtask on another thread's reactor. Next: in_thread.hpp (a function that blocks),
// reactor/remote_reactor.hpp.
#pragma once

#include <type_traits>
#include <utility>

#include "deferred/reactor/reactor.hpp"
#include "deferred/reactor/remote_reactor.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/threads/detail/remote_call.hpp"

namespace deferred {

/// What on() gives: a description. Nothing happens before it is awaited, once.
template <class F>
class [[nodiscard]] On {
  using T = typename detail::ThereResult<F>::type;

 public:
  On(RemoteReactor there, F&& f) : there_(std::move(there)), f_(std::move(f)) {}

  Task<T> yield_to() && {
    using Call = detail::RemoteCallOf<T, F>;
    return detail::result_of<T>(
        detail::WorkHandle<Call>(new Call(std::move(there_), std::move(f_))));
  }

 private:
  RemoteReactor there_;
  F f_;
};

/// `T value = co_await on(other, what);` runs `what` on the other reactor's thread, and goes on
/// here with what it returned or threw. `what` is a Task, or a function that is called there; if
/// that returns a Task, a Deferred or something else yieldable, this is awaited there. An error
/// keeps its type and loses its trace.
///
/// A Task is made here and runs there: its arguments go with it, and what they refer to is used
/// there. Give a function where something has to be made in the other thread. What stays with its
/// thread - a Deferred, Failure, Waiter, TaskRef - must not be among them, nor in the result.
///
/// A cancel, level or one-shot, takes back what has not begun there, which then does not run. It
/// goes to a task that has begun, which is waited for until it has unwound: its Cancelled, value or
/// error comes back. A one-shot cancel that finds no await there any more, or a function, hits the
/// next await here, unless a level cancel follows it there in that turn. An error that is thrown
/// into the wait takes the same ways; if it comes too late there, it is thrown here instead of the
/// result. close() takes back or closes what is there, and waits for nothing.
///
/// NoReactorError: the other reactor is gone or has stopped. AbandonedError: it stopped (by stop())
/// or was destroyed before there was a result; the task there is closed then.
template <class F>
On<std::decay_t<F>> on(RemoteReactor other, F&& what) {
  return On<std::decay_t<F>>(std::move(other), std::decay_t<F>(std::forward<F>(what)));
}
/// The same, for a reactor that lives when this is called.
template <class F>
On<std::decay_t<F>> on(const Reactor& other, F&& what) {
  return on(other.remote(), std::forward<F>(what));
}

}  // namespace deferred
