// SPDX-License-Identifier: MIT
//
// Waiter<R>: the completion handler of one suspension, which a yieldable's handler is given and
// answers. Knows no yieldable. Next: yield_to.hpp (who hands it out), remote_waiter.hpp (answering
// from another thread).
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

#include "deferred/reactor/delayed_call.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/reactor/task_ref.hpp"
#include "deferred/results/detail/arguments.hpp"
#include "deferred/tasks/detail/waiter_base.hpp"
#include "deferred/yieldable.hpp"

namespace deferred {

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 does not see that a std::optional holds one, where that ends.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

template <class R>
class RemoteWaiter;

template <class R>
class WeakWaiter;

namespace detail {
struct WaiterAccess;
}

/// The completion handler of one suspension, for an answer of type R. Copyable; the first answer
/// wins, all later ones, and those after a cancel, do nothing and return false. Answering never
/// runs the microthread: it goes on in the reactor's next round. If all copies are dropped without
/// an answer, AbandonedError is thrown at the `co_await`.
///
/// A Waiter stays on its reactor's thread; `std::move(w).remote()` is for other threads. A
/// Waiter<Outcome<R>> never throws at the await: failures are delivered in the Outcome.
template <class R>
class Waiter : public detail::WaiterBase {
  using Slot = detail::SlotFor<R>;

 public:
  using result_type = R;

  /// Empty, as after a move: nobody's, its answers do nothing and return false.
  Waiter() noexcept : WaiterBase(nullptr, borrowed) {}
  Waiter(const Waiter&) noexcept = default;
  [[gnu::always_inline]] Waiter(Waiter&&) noexcept = default;
  Waiter& operator=(const Waiter&) noexcept = default;
  Waiter& operator=(Waiter&&) noexcept = default;
  [[gnu::always_inline]] ~Waiter() = default;

  /// Answers with a value made from the arguments: of one as `return` would, of several in place.
  /// If making it throws, the wait stays open.
  template <class... A>
    requires MakesResult<R, A...>
  bool resume(A&&... arguments) const {
    if (!pending()) return false;
    fill(std::forward<A>(arguments)...);
    m_->answered();
    return true;
  }
  /// Answers with an error, of any copyable type, an exception_ptr or a Failure: it is thrown at
  /// the `co_await`. Of a reference to a base class see Failure's constructor.
  template <class E>
  bool throw_(E&& error, SourceLocation where = SourceLocation::current()) const {
    if (!pending()) return false;
    slot().set_failure(detail::to_failure(std::forward<E>(error), where));
    m_->answered();
    return true;
  }
  /// Answers with either.
  bool fire(Outcome<Delivered<R>> outcome) const {
    if (!pending()) return false;
    slot().set_outcome(std::move(outcome));
    m_->answered();
    return true;
  }

  /// Makes a RemoteWaiter of it, which another thread may answer.
  RemoteWaiter<R> remote() &&;

  /// Of a Waiter<Outcome<Q>>: the same wait as a Waiter<Q>, whose failures are delivered. It is
  /// what a decorator hands to the yieldable that it wraps.
  Waiter<Delivered<R>> unwrapped() && {
    static_assert(!std::is_same_v<R, Delivered<R>>, "unwrapped() is for a Waiter of an Outcome");
    // Moved into what is returned, never elided: that one may be kept.
    Waiter<Delivered<R>> same(std::exchange(m_, nullptr), epoch_);
    return Waiter<Delivered<R>>(std::move(same));
  }
  /// The same wait, to be looked at and maybe answered, by somebody who need not answer.
  WeakWaiter<R> weak() const noexcept { return WeakWaiter<R>(*this); }

 private:
  template <class>
  friend class Waiter;
  template <class>
  friend class WeakWaiter;
  friend struct detail::WaiterAccess;
  using WaiterBase::WaiterBase;

  Slot& slot() const noexcept { return static_cast<Slot&>(*m_->wait); }
  template <class... A>
  void fill(A&&... arguments) const {
    if constexpr (std::is_same_v<R, Delivered<R>>) {
      slot().set_value(std::forward<A>(arguments)...);
    } else {
      slot().set_outcome(R(std::forward<A>(arguments)...));
    }
  }
};

namespace detail {

struct WaiterAccess {
  template <class R>
  static Waiter<R> borrow(Microthread& m) noexcept {
    return Waiter<R>(m);
  }
  /// The same Waiter somewhere else; a borrowed one stays borrowed. Leaves `waiter` empty.
  template <class R, class W>
  static Waiter<R> pass(Waiter<W>& waiter) noexcept {
    return Waiter<R>(std::exchange(waiter.m_, nullptr), waiter.epoch_);
  }
  static Microthread& microthread(const WaiterBase& waiter) noexcept { return *waiter.m_; }
  /// Answers, to take effect in the next turn instead of the next round.
  template <class R, class... A>
  static void resume_next_turn(const Waiter<R>& waiter, A&&... value) {
    if (!waiter.pending()) return;
    Microthread& m = *waiter.m_;
    Reactor& reactor = waiter.reactor();
    waiter.fill(std::forward<A>(value)...);
    if (m.waiters != 0 || !m.handling) m.expire();
    constexpr unsigned ahead = sizeof...(A) == 0 ? unsigned{Microthread::answered_ahead} : 0U;
    m.set(Microthread::queued | ahead);
    ReactorAccess::next_turn(reactor, m);
  }
};

}  // namespace detail

/// A Waiter that does not count: it keeps no wait open, and nobody relies on its answer. For who
/// ends a wait that is another's to answer: a time limit, a stop button. It may answer as a Waiter
/// does; once the wait is over, it does nothing and returns false. Copyable; may outlive the task.
template <class R>
class WeakWaiter {
 public:
  /// Nobody's.
  WeakWaiter() noexcept = default;
  explicit WeakWaiter(const Waiter<R>& waiter) noexcept {
    if (!waiter.pending()) return;
    detail::Microthread& m = detail::WaiterAccess::microthread(waiter);
    m.waiters |= detail::Microthread::weak;  // so that the epoch moves on with each answer
    task_ = TaskRef(m);
    epoch_ = m.epoch;
  }

  /// False once the wait was answered, by whomever, or has ended.
  bool pending() const noexcept { return task_.valid() && task_.microthread().epoch == epoch_; }
  /// The microthread that waited; empty if this is nobody's.
  TaskRef task() const noexcept {
    return task_.valid() ? TaskRef(task_.microthread().whole()) : TaskRef();
  }
  /// As Waiter::resume().
  template <class... A>
    requires MakesResult<R, A...>
  bool resume(A&&... arguments) const {
    return pending() && counted().resume(std::forward<A>(arguments)...);
  }
  /// As Waiter::fire().
  bool fire(Outcome<Delivered<R>> outcome) const {
    return pending() && counted().fire(std::move(outcome));
  }
  /// As Waiter::throw_().
  template <class E>
  bool throw_(E&& error, SourceLocation where = SourceLocation::current()) const {
    return pending() && counted().throw_(std::forward<E>(error), where);
  }

 private:
  Waiter<R> counted() const noexcept {
    detail::Microthread& m = task_.microthread();
    m.retain();
    ++m.waiters;
    return Waiter<R>(&m, epoch_);
  }

  TaskRef task_;
  std::uint64_t epoch_ = 0;
};

namespace detail {

template <class R, class... A>
[[gnu::noinline]] DelayedCall schedule_later(Waiter<R>&& waiter, Duration delay, A&&... value) {
  if (!waiter.pending()) return {};
  Reactor& reactor = waiter.reactor();
  if constexpr (sizeof...(A) == 0) {
    return reactor.call_later(delay, [waiter = std::move(waiter)] { waiter.resume(); });
  } else {
    return reactor.call_later(
        delay,
        [waiter = std::move(waiter), ... kept = std::decay_t<A>(std::forward<A>(value))]() mutable {
          waiter.resume(std::move(kept)...);
        });
  }
}

}  // namespace detail

/// Answers `waiter` with `value` after `delay`: not before the next turn. Dropping the DelayedCall
/// before that withdraws the answer. A delay of zero or less answers now and lets the microthread
/// go on in the next turn; the DelayedCall is then inactive. (PJE: schedule)
template <class R, class... A>
[[gnu::always_inline]] inline DelayedCall schedule(Waiter<R>&& waiter, AnyDuration any,
                                                   A&&... value) {
  const Duration delay = any;
  if (delay > Duration::zero()) {
    return detail::schedule_later(std::move(waiter), delay, std::forward<A>(value)...);
  }
  detail::WaiterAccess::resume_next_turn(waiter, std::forward<A>(value)...);
  return {};
}
template <class R, class... A>
DelayedCall schedule(const Waiter<R>& waiter, AnyDuration delay, A&&... value) {
  return schedule(Waiter<R>(waiter), delay, std::forward<A>(value)...);
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace deferred

// What it takes to let another thread answer:
#include "deferred/tasks/remote_waiter.hpp"
