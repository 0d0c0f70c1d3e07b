// SPDX-License-Identifier: MIT
//
// Nursery: microthreads that do not outlive a scope. Children first, spawn() only where nobody is
// there to wait. Next: cancel_scope.hpp.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "deferred/memory/api.hpp"
#include "deferred/results/deferred.hpp"
#include "deferred/results/failure.hpp"
#include "deferred/tasks/detail/nursery_state.hpp"
#include "deferred/tasks/detail/task_access.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/tasks/task.hpp"

namespace deferred {

class Nursery;
template <class F>
class WithNursery;

/// What a function that Nursery::start() runs is given, to say that it is ready.
template <class V>
class Started {
 public:
  explicit Started(Promise<V> promise) noexcept : promise_(std::move(promise)) {}
  Started(const Started&) = delete;
  Started& operator=(const Started&) = delete;
  /// The start() goes on with that value. Does nothing if it waits no more; throws
  /// AlreadyCalledError the second time.
  template <class... A>
  void operator()(A&&... value) {
    if (said_) throw AlreadyCalledError("start(): started() was called before");
    if (!promise_.fired()) promise_.callback(std::forward<A>(value)...);
    said_ = true;
  }
  bool said() const noexcept { return said_; }

 private:
  friend class Nursery;
  Promise<V> promise_;
  bool said_ = false;
};

/// Holds microthreads, its children. with_nursery() makes one around a body; one of its own, a
/// member or a local, is waited for with `co_await nursery`, and closes what is left at its end.
///
/// The first error, of a child or the body, cancels all others, and is thrown when they have
/// unwound; later ones are suppressed() in it. A child that ends as Cancelled, or is closed, by its
/// own handle, is no error. (trio: Nursery)
class DEFERRED_API Nursery {
 public:
  /// On Reactor::current(), or on another one, for an object of its own.
  Nursery();
  explicit Nursery(Reactor& reactor);
  Nursery(const Nursery&) = delete;
  Nursery& operator=(const Nursery&) = delete;
  /// Closes its children: each with its own first. One whose code runs goes on as the reactor's
  /// until it gives control back. Of objects that lie in each other's children the destructors
  /// nest: for depth there is with_nursery().
  ~Nursery();

  /// As spawn(reactor, ...), in here. The handle may be dropped: a child's error is the nursery's.
  /// In a nursery that is cancelled it begins, and is cancelled at its first await.
  template <class T>
  Spawned<Delivered<T>> spawn(Task<T> task);
  template <class F, class... A>
    requires std::is_invocable_v<std::decay_t<F>&, std::decay_t<A>...>
  auto spawn(F&& f, A&&... arguments);
  template <class Y>
    requires(!std::is_invocable_v<Y&>)
  auto spawn(Y x);

  /// Spawns `f(started)`, a coroutine, and goes on when that has called `started(value)`, with that
  /// value. What it throws before is thrown here, and is no error of the nursery's; if it ends
  /// without having said so, std::logic_error is. A cancel of this wait cancels it.
  /// `auto serve = [](Started<int>& started) -> Task<> { ... }; int port = co_await
  /// n.start(serve);`
  template <class F>
  auto start(F f);

  /// Throws Cancelled at each await of what is in it; of with_nursery()'s also in the body. For
  /// good: what is spawned in it afterwards runs to its first await.
  void cancel() noexcept { detail::cancel_scope(state_.family()); }
  bool cancelled() const noexcept { return state_.family().cancelled; }
  /// How many children are live.
  std::size_t size() const noexcept { return state_.size(); }
  /// Throws NoReactorError if it is gone.
  Reactor& reactor() const { return state_.reactor(); }

  /// `co_await nursery`: waits until no child is left, and throws the first error. A cancel goes to
  /// the children, which are waited for. For one that is an object: not in with_nursery()'s body.
  Task<void> yield_to() &;

 private:
  template <class F>
  friend class WithNursery;
  struct OnStack {};
  Nursery(Reactor& reactor, OnStack) noexcept : state_(reactor), loose_(false) {}
  template <class V, class F>
  static Task<Outcome<void>> run_started(F f, Promise<V> promise);
  template <class V, class F>
  Task<V> start_with(F f);
  [[gnu::visibility("hidden")]] Task<Outcome<void>> wait();
  [[gnu::visibility("hidden")]] static Failure destroyed();

  detail::NurseryState state_;
  bool loose_ = true;  // on no stack
};

template <class T>
Spawned<Delivered<T>> Nursery::spawn(Task<T> task) {
  Spawned<Delivered<T>> child =
      detail::SpawnAccess::spawn(reactor(), state_.family(), std::move(task));
  state_.begin_child();
  return child;
}
template <class F, class... A>
  requires std::is_invocable_v<std::decay_t<F>&, std::decay_t<A>...>
auto Nursery::spawn(F&& f, A&&... arguments) {
  return spawn(detail::task_of_call(std::forward<F>(f), std::forward<A>(arguments)...));
}
template <class Y>
  requires(!std::is_invocable_v<Y&>)
auto Nursery::spawn(Y x) {
  return spawn(detail::task_of_yieldable(std::move(x)));
}

namespace detail {

/// The V of a callable that takes a `Started<V>&`.
template <class F>
struct StartedOf : StartedOf<decltype(&F::operator())> {};
template <class R, class V>
struct StartedOf<R (*)(Started<V>&)> {
  using type = V;
};
template <class R, class C, class V>
struct StartedOf<R (C::*)(Started<V>&)> {
  using type = V;
};
template <class R, class C, class V>
struct StartedOf<R (C::*)(Started<V>&) const> {
  using type = V;
};

}  // namespace detail

template <class F>
auto Nursery::start(F f) {
  return start_with<typename detail::StartedOf<F>::type>(std::move(f));
}

template <class V, class F>
Task<Outcome<void>> Nursery::run_started(F f, Promise<V> promise) {
  Started<V> started(std::move(promise));
  Outcome<void> outcome;
  Task<void> body;
  try {
    body = std::invoke(f, started);
  } catch (...) {
    outcome = Failure::current();
  }
  if (body.valid()) {
    Task<Outcome<void>> quiet = std::move(body).as_outcome();
    outcome = co_await unlisted(std::move(quiet));
  }
  // Nobody waits for the start any more: what f has failed with is the nursery's.
  if (started.said() || !started.promise_.wanted()) co_return outcome;
  if (outcome.has_value()) {
    outcome = Failure(std::logic_error("start(): it has ended, and had not called started()"));
  }
  if (!started.promise_.fired()) started.promise_.errback(outcome.failure());
  co_return Outcome<void>();
}

template <class V, class F>
Task<V> Nursery::start_with(F f) {
  const auto child = std::make_shared<TaskRef>();
  auto [promise, started] = make_deferred<V>([child] {
    if (child->valid()) child->cancel();
    return Cancelling::answer_follows;  // it is waited for until it has unwound
  });
  Task<Outcome<void>> body = run_started<V, F>(std::move(f), std::move(promise));
  try {
    *child = spawn(detail::TaskAccess::throwing<void>(std::move(body))).task();
  } catch (...) {
    deferred::abandon(std::move(started));
    throw;
  }
  co_return co_await unlisted(std::move(started));
}

/// The yieldable that with_nursery() gives.
template <class F>
class [[nodiscard]] WithNursery {
  using Made = std::invoke_result_t<F&, Nursery&>;
  using R = AwaitedResult<Made>;
  using Q = Delivered<R>;

 public:
  explicit WithNursery(F&& f) : f_(std::move(f)) {}
  Task<R> yield_to() && { return detail::TaskAccess::throwing<R>(run(std::move(f_))); }

 private:
  // The nursery's scope, around the body.
  class Opened {
   public:
    Opened() : nursery(Reactor::current(), Nursery::OnStack()) {
      detail::push_scope(*detail::current_microthread, nursery.state_.family());
    }
    Opened(const Opened&) = delete;
    Opened& operator=(const Opened&) = delete;
    ~Opened() { close(); }
    void close() noexcept {
      if (!std::exchange(open_, false)) return;
      detail::Family& family = nursery.state_.family();
      detail::close_children(family);
      detail::pop_scope(*family.task, family);
    }
    Nursery nursery;

   private:
    bool open_ = true;
  };

  static Task<Outcome<Q>> failed(Failure failure) { co_return failure; }
  static Task<Outcome<Q>> body(F& f, Nursery& nursery) {
    try {
      return detail::TaskAccess::quiet(std::invoke(f, nursery));
    } catch (...) {
      return failed(Failure::current());
    }
  }
  static Task<Outcome<Q>> run(F f) {
    Opened opened;
    detail::NurseryState& state = opened.nursery.state_;
    Task<Outcome<Q>> running = body(f, opened.nursery);
    Outcome<Q> outcome = co_await unlisted(std::move(running));
    constexpr bool may_fail = std::is_same_v<R, Q>;  // an Outcome is a value, whatever is in it
    const bool body_cut = may_fail && outcome.template check<Cancelled>() != nullptr;
    const bool own = opened.nursery.cancelled();  // by cancel(), or for a child's error
    if (may_fail && !outcome.has_value()) {
      state.fail(outcome.failure());
      opened.nursery.cancel();
    }
    if (state.size() != 0) {
      Task<void> gone = state.gone();
      co_await unlisted(std::move(gone));
    }
    opened.close();
    if (state.first()) co_return state.take_first();
    const bool outside =
        state.asked_once() || detail::current_microthread->is(detail::Microthread::cancelled);
    if (body_cut) {
      if constexpr (std::is_void_v<R>) {
        if (own && !outside) co_return Outcome<void>();
      }
      co_return outcome.failure();
    }
    if (outside && state.cut()) co_return Failure(Cancelled());
    co_return outcome;
  }

  F f_;
};

/// `R value = co_await with_nursery([&](Nursery& n) -> Task<R> { ... });` runs the body, waits for
/// all children, and gives what the body returned. A cancel from outside reaches body, children and
/// grandchildren at once; an error wins over it, and values that came all the same win over both.
/// `[&]` is safe: the body lives as long as this await. (trio: open_nursery)
template <class F>
  requires std::is_invocable_v<F&, Nursery&>
WithNursery<F> with_nursery(F f) {
  return WithNursery<F>(std::move(f));
}

}  // namespace deferred
