// SPDX-License-Identifier: MIT
//
// spawn: starts a microthread. Spawned<T>: its handle and result. Also Reactor::run(task).
// Next: yieldables/, then deferred_coroutine.hpp.
#pragma once

#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "deferred/reactor/reactor.hpp"
#include "deferred/reactor/task_ref.hpp"
#include "deferred/results/deferred.hpp"
#include "deferred/tasks/task.hpp"

namespace deferred {

namespace detail {

/// A new microthread without a frame, on no reactor, with one reference.
inline Microthread* make_microthread(void (*run)(Runnable&, bool) noexcept) {
  auto* const m = new Microthread;
  m->run = run;
  return m;
}

/// The result of a finished root frame, into a chain's empty slot.
template <class T>
void move_result(ResultFor<T>& from, Chain& to) noexcept {
  try {
    if (from.state == Wait::State::value) {
      Cell<Stored<T>>::emplace(to, [&]() -> Stored<T> { return Stored<T>(std::move(from.value)); });
    } else {
      to.set_failure(std::move(from.failure));
    }
  } catch (...) {
    to.set_failure(Failure::current());
  }
}

/// Moves a finished microthread's result to where it is wanted, and destroys its root frame.
template <class T>
void collect(Microthread& m) noexcept {
  auto& result = static_cast<ResultFor<T>&>(*std::exchange(m.leaf, nullptr));
  if (Chain* const chain = std::exchange(m.completion(), nullptr)) {
    const bool wanted = !chain->fired();
    if (wanted) move_result<T>(result, *chain);
    destroy_frame(result);
    retire(m);
    if (wanted) chain->fire();
    chain->drop_promise(typeid(T));
    return;
  }
  Failure failure;
  if (m.is(Microthread::has_handle)) {
    try {
      m.completion() = Chain::make_fired();  // for the Spawned, whose only reference it is
      move_result<T>(result, *m.completion());
    } catch (...) {
      failure = Failure::current();
    }
  } else if (result.state == Wait::State::failure) {
    failure = std::move(result.failure);
  }
  destroy_frame(result);
  if (failure) report_unhandled(m, failure);
  retire(m);
}

/// What the reactor's queue calls for a microthread whose result is a T.
template <class T>
void run_microthread(Runnable& self, bool alive) noexcept {
  auto& m = static_cast<Microthread&>(self);
  if (m.is(Microthread::done)) [[unlikely]] {
    m.unset(Microthread::queued);
    m.release();  // it was closed while queued
  } else if (!alive) [[unlikely]] {
    m.unset(Microthread::queued);
  } else if (resume(m)) {
    collect<T>(m);
  }
}

/// Makes cancel() of a microthread's Deferred cancel what it waits on. (Twisted: rows on
/// cancelling inlineCallbacks)
struct TaskCanceller : Canceller {
  TaskCanceller(Chain& owner, Microthread& of) noexcept : chain(owner), microthread(of) {
    microthread.retain();
    keeps = true;
    ask = [](Chain&, Canceller& self) {
      cancel_in_a_row(static_cast<TaskCanceller&>(self).microthread);
      return true;
    };
    destroy = [](Canceller& self) noexcept {
      auto& canceller = static_cast<TaskCanceller&>(self);
      canceller.microthread.release();
      canceller.chain.free_arena(&canceller, sizeof(TaskCanceller), alignof(TaskCanceller));
    };
  }
  Chain& chain;
  Microthread& microthread;
};

/// A pending Deferred of the microthread's result, and its completion.
template <class T>
Deferred<T> deferred_of(Microthread& m, SourceLocation where) {
  Chain* const chain = Chain::make(where);
  void* const memory = chain->arena(sizeof(TaskCanceller), alignof(TaskCanceller));
  chain->set_canceller(new (memory) TaskCanceller(*chain, m));
  m.completion() = chain;
  return Access::deferred<T>(chain);
}

// g++ 12 takes the frame for a class in a header, and warns of the lambda in it.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif
template <class T, class F, class... A>
Task<T> call_kept(F f, A... arguments) {
  co_return co_await Unlisted(std::invoke(f, std::move(arguments)...));
}
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

template <class R, class Y>
Task<R> await_kept(Y x) {
  co_return co_await Unlisted(std::move(x));
}

}  // namespace detail

/// The handle of a microthread: a Deferred<T> of its result, whose block is made on first use.
/// Dropping it detaches the microthread, which goes on; what it throws then is reported. Convert
/// it to a Deferred<T>, add callbacks, or `co_await std::move(spawned)`.
template <class T>
class Spawned {
 public:
  Spawned(Spawned&& other) noexcept : m_(std::exchange(other.m_, nullptr)) {}
  Spawned& operator=(Spawned&& other) noexcept {
    Spawned old(std::move(other));
    std::swap(m_, old.m_);
    return *this;
  }
  ~Spawned() {
    if (m_) drop();
  }

  /// REQUIRES: not moved from, as all below.
  TaskRef task() const noexcept { return TaskRef(*m_); }
  bool done() const noexcept { return m_->is(detail::Microthread::done); }

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
  void detach() && { drop(); }
  /// Cancels it, once, and takes no notice of what comes.
  void abandon() && noexcept;

 private:
  template <class U>
  friend Spawned<U> spawn(Reactor& reactor, Task<U> task);
  explicit Spawned(detail::Microthread* m) noexcept : m_(m) {}
  void drop() noexcept;

  detail::Microthread* m_;
};

/// Makes a microthread of a task. It starts in the reactor's next turn.
template <class T>
Spawned<T> spawn(Reactor& reactor, Task<T> task);
/// Calls `f(arguments...)` as a coroutine in a microthread; the callable and the arguments are kept
/// in its frame, so that a lambda's captures live as long as it runs.
template <class F, class... A>
  requires std::is_invocable_v<std::decay_t<F>&, std::decay_t<A>...>
auto spawn(Reactor& reactor, F&& f, A&&... arguments) {
  using Made = std::invoke_result_t<std::decay_t<F>&, std::decay_t<A>...>;
  return spawn(reactor,
               detail::call_kept<detail::AwaitedResult<Made>, std::decay_t<F>, std::decay_t<A>...>(
                   std::forward<F>(f), std::forward<A>(arguments)...));
}

/// Makes a microthread that awaits `x`, which is no task: a Timer, a read, a Deferred.
template <class Y>
  requires(detail::Route<Y>::kind == detail::RouteKind::waiter && !std::is_invocable_v<Y&>)
auto spawn(Reactor& reactor, Y x) {
  return spawn(reactor, detail::await_kept<detail::AwaitedResult<Y>>(std::move(x)));
}

template <class T>
Spawned<T> spawn(Reactor& reactor, Task<T> task) {
  using detail::Microthread;
  if (!task.valid()) throw std::logic_error("spawn: this Task was awaited or spawned before");
  Microthread* const m = detail::make_microthread(&detail::run_microthread<T>);
  m->start_with(*detail::TaskAccess::release(task));
  detail::ReactorAccess::adopt(reactor, *m);
  m->set(Microthread::queued | Microthread::has_handle);
  detail::ReactorAccess::next_turn(reactor, *m);
  return Spawned<T>(m);
}

template <class T>
Deferred<T> Spawned<T>::deferred(SourceLocation where) && {
  detail::Microthread& m = *m_;
  if (!done()) {
    Deferred<T> pending = detail::deferred_of<T>(m, where);
    drop();
    return pending;
  }
  Deferred<T> ready = m.completion()
                          ? detail::Access::deferred<T>(std::exchange(m.completion(), nullptr))
                          : fail<T>(detail::closed_failure(m));
  drop();
  return ready;
}

template <class T>
void Spawned<T>::drop() noexcept {
  detail::Microthread& m = *std::exchange(m_, nullptr);
  m.unset(detail::Microthread::has_handle);
  if (m.is(detail::Microthread::done) && m.completion()) {
    detail::Chain* const chain = std::exchange(m.completion(), nullptr);
    if (chain->state() == detail::Chain::State::failure) {
      detail::report_unhandled(m, chain->take_failure());
    }
    chain->drop_unreported();
  }
  m.release();
}

template <class T>
void Spawned<T>::abandon() && noexcept {
  detail::Microthread& m = *std::exchange(m_, nullptr);
  m.unset(detail::Microthread::has_handle);
  m.set(detail::Microthread::silent);
  detail::cancel_in_a_row(m);
  if (m.is(detail::Microthread::done) && m.completion()) {
    std::exchange(m.completion(), nullptr)->drop_unreported();
  }
  m.release();
}

template <class T>
int Reactor::run(Task<T> main) {
  require_not_running("run(task)");
  // Gone when this call has ended without the task, which then stops nobody.
  const auto end = std::make_shared<detail::MainEnd>();
  Spawned<T> spawned = spawn(*this, std::move(main));
  const TaskRef task = spawned.task();
  std::move(spawned)
      .add_both([this, weak = std::weak_ptr(end)](Outcome<T> outcome) {
        const auto waiting = weak.lock();
        const int signal = waiting ? waiting->signal : 0;
        int code = 0;
        if constexpr (std::is_same_v<T, int>) {
          if (outcome.has_value()) code = *outcome;
        }
        if (!outcome.has_value()) {
          const bool wanted = signal != 0 && outcome.failure().template check<Cancelled>();
          if (!outcome.failure().template check<Cancelled>()) {
            detail::ReactorAccess::report(*this, outcome.failure(), "the main task");
          }
          code = wanted ? detail::exit_code_of(signal) : 1;
        }
        if (!waiting) return;
        waiting->ended = true;
        waiting->code = code;
        stop();
      })
      .detach();
  return run_main(task, end);
}

}  // namespace deferred
