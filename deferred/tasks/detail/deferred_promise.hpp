// SPDX-License-Identifier: MIT
//
// DeferredPromise: the coroutine of a function that returns Deferred<T>.
#pragma once

#include <concepts>
#include <coroutine>
#include <type_traits>
#include <utility>

#include "deferred/reactor/detail/microthread.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/reactor/task_ref.hpp"
#include "deferred/tasks/detail/root.hpp"
#include "deferred/tasks/detail/task_canceller.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/tasks/waiter.hpp"

namespace deferred::detail {

template <class P>
concept lends_reactor = requires(P& parameter) {
  { parameter.reactor() } -> std::same_as<Reactor&>;
};

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
  } else if constexpr (lends_reactor<P>) {
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
    Microthread* const m = make_heir(&run_microthread<T>);
    m->start_with(*this);
    if (reactor) {
      ReactorAccess::adopt(*reactor, *m);
      m->release();
    }
  }
  DeferredPromise(const DeferredPromise&) = delete;
  DeferredPromise& operator=(const DeferredPromise&) = delete;

  Deferred<T> get_return_object(SourceLocation made = SourceLocation::current()) {
    Microthread& m = *this->microthread;
    try {
      return deferred_of<T>(m, made);
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
      m.awaits_left = 0;  // counted down from there: without an end, for this run is its caller's
      if (resume(m)) collect<T>(m);
    }
    void await_resume() const noexcept {}
  };
  Start initial_suspend() const noexcept { return {}; }
};

}  // namespace deferred::detail
