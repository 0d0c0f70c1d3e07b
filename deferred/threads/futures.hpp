// SPDX-License-Identifier: MIT
//
// to_future, from_future: a std::future made of a Deferred, and the other way, for code that knows
// one of the two. Next: blocking_call_from_thread.hpp, for a thread that asks a reactor and waits;
// in_thread.hpp.
#pragma once

#include <exception>
#include <future>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "deferred/reactor/reactor.hpp"
#include "deferred/results/deferred.hpp"
#include "deferred/results/outcome.hpp"
#include "deferred/threads/defer_to_thread.hpp"
#include "deferred/threads/detail/offload.hpp"
#include "deferred/threads/in_thread.hpp"
#include "deferred/threads/pool.hpp"

namespace deferred {

/// Takes the Deferred, or what converts to one, and gives a std::future of its result, for any
/// thread. A failure is thrown by get() as what it is: Cancelled is no std::exception. If the
/// result is dropped unfired, as by the end of a reactor, that is an AbandonedError.
///
/// get() and wait() on the thread that is to fire the Deferred, its reactor's, wait for ever: there
/// await the Deferred itself. A std::future cannot be cancelled, and dropping it tells nobody: the
/// operation goes on. Who may want to cancel it keeps a way of its own, as the TaskRef of what was
/// spawned. (Twisted: Deferred.asFuture)
template <Deferrable D>
std::future<typename D::value_type> to_future(D deferred,
                                              SourceLocation where = SourceLocation::current()) {
  using T = typename D::value_type;
  static_assert(!detail::bound_to_thread<std::remove_cv_t<T>>,
                "to_future: a Failure, an Outcome, a Deferred or a Task stays on its thread, and "
                "so does a handle to one");
  Deferred<T> taken;
  try {
    taken = Deferred<T>(std::move(deferred));
    std::promise<T> promise;
    std::future<T> future = promise.get_future();
    auto keep = [promise = std::move(promise)](Outcome<T>&& outcome) mutable {
      try {
        if (!outcome.has_value()) {
          promise.set_exception(std::move(outcome).failure().to_exception_ptr());
        } else if constexpr (std::is_void_v<T>) {
          promise.set_value();
        } else {
          promise.set_value(*std::move(outcome));
        }
      } catch (...) {  // the move of the value threw
        promise.set_exception(std::current_exception());
      }
    };
    std::move(taken).add_both(std::move(keep), where).detach();
    return future;
  } catch (...) {  // no memory: nobody gets its result any more
    if (taken.valid()) {
      std::move(taken).abandon();
    } else if constexpr (requires { std::move(deferred).abandon(); }) {
      std::move(deferred).abandon();
    }
    throw;
  }
}

/// Waits for a std::future in a thread of `pool`, which that takes as long as the future has no
/// result, for a std::future tells nobody when it has one; and gives a Deferred of what it gives or
/// throws, which fires in a turn of the reactor. So the pool is named, and is best one for this:
/// default_pool() may be full of such waits, and then no in_thread() gets its turn.
///
/// cancel() before the thread has begun to wait drops the future: Cancelled. Later the future's
/// result is waited for, and given in spite of it, as in_thread() says. Dropping a future of
/// std::async waits for its function, here. std::invalid_argument: the future is of no promise, or
/// was asked before. (Twisted: Deferred.fromFuture)
template <class T>
Deferred<T> from_future(Reactor& reactor, Pool& pool, std::future<T> future) {
  static_assert(!std::is_reference_v<T>,
                "from_future: a Deferred holds no reference; make a future of a pointer to what "
                "outlives it");
  if (!future.valid()) {
    throw std::invalid_argument(
        "from_future: this std::future waits for nothing: it was asked for its result before, or "
        "moved from, or never belonged to a std::promise");
  }
  return defer_to_thread(
      reactor, in_thread(pool, [future = std::move(future)]() mutable { return future.get(); }));
}
/// The same on Reactor::current(): in a task nobody has to pass the reactor.
template <class T>
Deferred<T> from_future(Pool& pool, std::future<T> future) {
  return from_future(Reactor::current(), pool, std::move(future));
}

}  // namespace deferred
