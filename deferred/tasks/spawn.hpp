// SPDX-License-Identifier: MIT
//
// spawn: starts a microthread. Spawned<T>: its handle and result. Next: reactor/task_ref.hpp;
// deferred_coroutine.hpp (a function that starts one by being called).
#pragma once

#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "deferred/reactor/reactor.hpp"
#include "deferred/reactor/task_ref.hpp"
#include "deferred/results/deferred.hpp"
#include "deferred/tasks/detail/kept.hpp"
#include "deferred/tasks/detail/root.hpp"
#include "deferred/tasks/detail/task_access.hpp"
#include "deferred/tasks/detail/task_canceller.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/tasks/yield_to.hpp"

namespace deferred {

namespace detail {
struct SpawnAccess;
}

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 does not see that a std::optional holds one, where that ends.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
/// The handle of a microthread: a Deferred<T> of its result, whose block is made on first use.
/// Dropping it detaches the microthread, which goes on; what it throws then is reported. Convert
/// it to a Deferred<T>, add callbacks, or `co_await std::move(spawned)`.
template <class T>
class Spawned {
 public:
  using value_type = T;

  Spawned(Spawned&& other) noexcept : m_(std::exchange(other.m_, nullptr)) {}
  Spawned& operator=(Spawned&& other) noexcept {
    Spawned old(std::move(other));
    std::swap(m_, old.m_);
    return *this;
  }
  ~Spawned() {
    if (m_) drop();
  }

  /// The microthread, to be asked, cancelled or closed. Throws std::logic_error after a move, as
  /// all below do: `const TaskRef task = spawned.task();` first, if both are needed.
  TaskRef task() const { return TaskRef(microthread()); }
  /// With a name for dumps and reports: `spawn(accept(listener)).named("accept")`.
  Spawned named(std::string name) && {
    task().set_name(std::move(name));
    return std::move(*this);
  }
  bool done() const { return microthread().is(detail::Microthread::done); }
  /// It is done, and its result is a failure.
  bool failed() const;

  /// The Deferred of the result. Its cancel() is one-shot, and goes to what the microthread waits
  /// on.
  Deferred<T> deferred(SourceLocation where = SourceLocation::current()) &&;
  operator Deferred<T>() && { return std::move(*this).deferred(); }

  template <class F>
  auto add_callback(F&& f, SourceLocation where = SourceLocation::current()) && {
    return std::move(*this).deferred(where).add_callback(std::forward<F>(f), where);
  }
  template <class F>
  auto add_errback(F&& f, SourceLocation where = SourceLocation::current()) && {
    return std::move(*this).deferred(where).add_errback(std::forward<F>(f), where);
  }
  template <class F, class G>
  auto add_callbacks(F&& callback, G&& errback,
                     SourceLocation where = SourceLocation::current()) && {
    return std::move(*this).deferred(where).add_callbacks(std::forward<F>(callback),
                                                          std::forward<G>(errback), where);
  }
  template <class F>
  auto add_both(F&& f, SourceLocation where = SourceLocation::current()) && {
    return std::move(*this).deferred(where).add_both(std::forward<F>(f), where);
  }
  // Without std::move they do not compile, and the text says why.
  template <class... A>
  void add_callback(A&&...) & {
    detail::needs_rvalue<T>();
  }
  template <class... A>
  void add_errback(A&&...) & {
    detail::needs_rvalue<T>();
  }
  template <class... A>
  void add_callbacks(A&&...) & {
    detail::needs_rvalue<T>();
  }
  template <class... A>
  void add_both(A&&...) & {
    detail::needs_rvalue<T>();
  }

  void detach() && {
    microthread();
    drop();
  }
  /// Cancels it, once, and takes no notice of what comes. Does nothing after a move.
  void abandon() && noexcept;

 private:
  friend struct detail::SpawnAccess;
  explicit Spawned(detail::Microthread* m) noexcept : m_(m) {}
  detail::Microthread& microthread() const {
    if (!m_) [[unlikely]]
      detail::throw_spawned_moved_from();
    return *m_;
  }
  void drop() noexcept;

  detail::Microthread* m_;
};
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

/// A spawned microthread is awaited as the Deferred of its result.
template <class T>
struct yieldable<Spawned<T>> {
  static auto yield_to(Spawned<T>&& spawned, Waiter<T> waiter) {
    return yieldable<Deferred<T>>::yield_to(std::move(spawned).deferred(), std::move(waiter));
  }
};

/// Makes a microthread of a task. It starts in the reactor's next turn. Throws std::logic_error if
/// the task was awaited or spawned before. The handle of a task that gives an Outcome<T> gives the
/// T, or fails.
template <class T>
Spawned<Delivered<T>> spawn(Reactor& reactor, Task<T> task);
/// Calls `f(arguments...)` as a coroutine in a microthread; the callable and the arguments are kept
/// in its frame, so that a lambda's captures live as long as it runs.
template <class F, class... A>
  requires std::is_invocable_v<std::decay_t<F>&, std::decay_t<A>...>
auto spawn(Reactor& reactor, F&& f, A&&... arguments) {
  return spawn(reactor, detail::task_of_call(std::forward<F>(f), std::forward<A>(arguments)...));
}
/// Makes a microthread that awaits `x`, whatever it is: a Timer, a read, a Deferred.
template <class Y>
  requires(!std::is_invocable_v<Y&>)
auto spawn(Reactor& reactor, Y x) {
  return spawn(reactor, detail::task_of_yieldable(std::move(x)));
}

/// The same three on Reactor::current(): in a task nobody has to pass the reactor.
template <class T>
Spawned<Delivered<T>> spawn(Task<T> task) {
  return spawn(Reactor::current(), std::move(task));
}
template <class F, class... A>
  requires std::is_invocable_v<std::decay_t<F>&, std::decay_t<A>...>
auto spawn(F&& f, A&&... arguments) {
  return spawn(Reactor::current(), std::forward<F>(f), std::forward<A>(arguments)...);
}
template <class Y>
  requires(!std::is_invocable_v<Y&>)
auto spawn(Y x) {
  return spawn(Reactor::current(), std::move(x));
}

namespace detail {

struct SpawnAccess {
  /// Into the list of `owner`, a reactor or a family.
  template <class T, class Owner>
  static Spawned<Delivered<T>> spawn(Reactor& reactor, Owner& owner, Task<T> task) {
    if (!task.valid()) throw std::logic_error("spawn: this Task was awaited or spawned before");
    if constexpr (may_be_step<Delivered<T>>) {  // whose frame goes back to its generator
      if (TaskAccess::is_step(task)) task = await_kept<T>(Kept<Task<T>>(std::move(task)));
    }
    Microthread* const m = make_heir(&run_microthread<T>);
    m->start_with(*TaskAccess::release(task));
    ReactorAccess::adopt(owner, *m);
    m->set(Microthread::queued | Microthread::has_handle);
    ReactorAccess::next_turn(reactor, *m);
    return Spawned<Delivered<T>>(m);
  }
};

}  // namespace detail

template <class T>
Spawned<Delivered<T>> spawn(Reactor& reactor, Task<T> task) {
  return detail::SpawnAccess::spawn(reactor, reactor, std::move(task));
}

template <class T>
bool Spawned<T>::failed() const {
  using State = detail::Wait::State;
  const detail::Microthread& m = microthread();
  if (!done()) return false;
  if (m.leaf) return static_cast<const detail::ResultFor<T>&>(*m.leaf).state == State::failure;
  return !m.completion() || m.completion()->state() == detail::Chain::State::failure;
}

template <class T>
Deferred<T> Spawned<T>::deferred(SourceLocation where) && {
  detail::Microthread& m = microthread();
  if (!done()) {
    Deferred<T> pending = detail::deferred_of<T>(m, where);
    drop();
    return pending;
  }
  if (m.leaf) detail::give_up_frame<T>(m);
  Deferred<T> ready =
      m.completion() ? detail::DeferredAccess::deferred<T>(std::exchange(m.completion(), nullptr))
                     : fail<T>(detail::closed_failure(m));
  drop();  // which finds nothing left
  return ready;
}

template <class T>
void Spawned<T>::drop() noexcept {
  detail::Microthread& m = *std::exchange(m_, nullptr);
  m.unset(detail::Microthread::has_handle);
  if (m.is(detail::Microthread::done)) {
    if (const Failure failure = detail::drop_result<T>(m)) detail::report_unhandled(m, failure);
  }
  m.release();
}

template <class T>
void Spawned<T>::abandon() && noexcept {
  if (!m_) return;
  detail::Microthread& m = *std::exchange(m_, nullptr);
  m.unset(detail::Microthread::has_handle);
  m.set(detail::Microthread::silent);
  detail::cancel_once(m);
  if (m.is(detail::Microthread::done)) {
    [[maybe_unused]] const Failure unwanted = detail::drop_result<T>(m);
  }
  m.release();
}

}  // namespace deferred

// What it takes to run a reactor for one:
#include "deferred/tasks/detail/run_task.hpp"
