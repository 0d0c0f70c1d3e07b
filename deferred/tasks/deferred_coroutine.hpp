// SPDX-License-Identifier: MIT
//
// Coroutines that return Deferred<T>: inlineCallbacks. The call runs the body at once, as a
// function does, up to its first real wait; the rest runs on a reactor. Include this header to
// write one. Next: yieldables/deferred.hpp.
#pragma once

#include <concepts>
#include <coroutine>
#include <functional>
#include <type_traits>
#include <utility>

#include "deferred/tasks/spawn.hpp"

namespace deferred {

namespace detail {

/// The reactor that a coroutine's parameter names: itself a Reactor&, or something with reactor().
template <class P>
Reactor* reactor_of(P& parameter) {
  // Handles of other microthreads have a reactor too, but do not lend it.
  constexpr bool is_handle = std::is_base_of_v<WaiterBase, std::remove_cv_t<P>> ||
                             std::is_same_v<std::remove_cv_t<P>, TaskRef>;
  if constexpr (std::is_base_of_v<Reactor, std::remove_cv_t<P>>) {
    return &parameter;
  } else if constexpr (is_handle) {
    return nullptr;
  } else if constexpr (requires {
                         { parameter.reactor() } -> std::same_as<Reactor&>;
                       }) {
    return &parameter.reactor();
  } else {
    return nullptr;
  }
}

template <class T>
struct DeferredPromise : TaskReturn<T> {
  template <class... P>
  explicit DeferredPromise(P&... parameters) {
    Reactor* reactor = nullptr;
    static_cast<void>(((reactor = reactor_of(parameters)) || ...));
    if (!reactor) reactor = ReactorAccess::find();
    Microthread* const m = make_microthread(&run_microthread<T>);
    m->start_with(*this);
    if (reactor) {
      ReactorAccess::adopt(*reactor, *m);
      m->release();
    }
  }
  DeferredPromise(const DeferredPromise&) = delete;
  DeferredPromise& operator=(const DeferredPromise&) = delete;

  Deferred<T> get_return_object(SourceLocation where = SourceLocation::current()) {
    Microthread& m = *this->microthread;
    try {
      return deferred_of<T>(m, where);
    } catch (...) {  // the frame goes away
      m.leaf = nullptr;
      m.set(Microthread::done);
      retire(m);
      throw;
    }
  }

  /// Runs the body under the trampoline, inside the call. The frame may be gone afterwards.
  struct Start {
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<DeferredPromise> self) const noexcept {
      Microthread& m = *self.promise().microthread;
      if (resume(m)) collect<T>(m);
    }
    void await_resume() const noexcept {}
  };
  Start initial_suspend() const noexcept { return {}; }
};

}  // namespace detail

}  // namespace deferred

/// A function or member function, or lambda, that returns Deferred<T> and awaits. Its reactor is
/// its first parameter (`*this` included) that is a Reactor& or has `reactor()`; else the running
/// microthread's; else the thread's running one; else the thread's only one. With none it runs as
/// long as nothing makes it wait, and NoReactorError is thrown at the first await that would.
/// Deep recursion of such calls is native recursion: use Task inside. (Twisted: inlineCallbacks)
template <class T, class... P>
struct std::coroutine_traits<deferred::Deferred<T>, P...> {
  using promise_type = deferred::detail::DeferredPromise<T>;
};
