// SPDX-License-Identifier: MIT
//
// Waiter<R>: the completion handler of one suspension, which a yieldable's handler is given and
// answers. Knows no yieldable. Next: yield_to.hpp (who hands it out), remote_waiter.hpp (answering
// from another thread).
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

#include "deferred/reactor/detail/microthread.hpp"
#include "deferred/reactor/detail/reactor_bodies.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/reactor/task_ref.hpp"
#include "deferred/results/errors.hpp"

namespace deferred {

template <class R>
class RemoteWaiter;

namespace detail {

struct WaiterAccess;

/// Counts the Waiters of a suspension. The one that a handler is called with is borrowed and costs
/// nothing; copies and moves of it own a reference, and count as somebody who may still answer.
class WaiterBase {
 public:
  WaiterBase(const WaiterBase& other) noexcept : m_(other.m_), epoch_(other.epoch_) {
    if (m_) own();
  }
  [[gnu::always_inline]] WaiterBase(WaiterBase&& other) noexcept
      : m_(std::exchange(other.m_, nullptr)), epoch_(other.epoch_) {
    if (epoch_ == borrowed && m_) own();
  }
  [[gnu::always_inline]] WaiterBase& operator=(WaiterBase other) noexcept {
    std::swap(m_, other.m_);
    std::swap(epoch_, other.epoch_);
    return *this;
  }
  [[gnu::always_inline]] ~WaiterBase() {
    if (epoch_ != borrowed && m_) disown();
  }

  /// False once the wait was answered, by whomever, or has ended.
  [[gnu::always_inline]] bool pending() const noexcept {
    if (!m_) return false;
    if (epoch_ == borrowed) return m_->wait->state == Wait::State::open;
    return m_->epoch == epoch_;
  }
  /// The reactor of the waiting microthread. Throws NoReactorError if it has none. REQUIRES: not
  /// empty.
  Reactor& reactor() const {
    if (!m_->reactor) no_reactor(*m_);
    return *m_->reactor;
  }
  /// The waiting microthread. REQUIRES: not empty.
  TaskRef task() const noexcept { return TaskRef(*m_); }

 protected:
  static constexpr std::uint64_t borrowed = 0;  // in place of the epoch
  static constexpr std::uint64_t stale = UINT64_MAX;
  explicit WaiterBase(Microthread& m) noexcept : m_(&m), epoch_(borrowed) {}
  WaiterBase(Microthread* m, std::uint64_t epoch) noexcept : m_(m), epoch_(epoch) {}

  Microthread* m_;
  std::uint64_t epoch_;

 private:
  friend struct WaiterAccess;
  void own() noexcept {
    if (epoch_ == borrowed) epoch_ = pending() ? m_->epoch : stale;
    m_->retain();
    if (m_->epoch == epoch_) ++m_->waiters;
  }
  void disown() noexcept {
    if (m_->epoch == epoch_ && --m_->waiters == 0 && m_->is_waiting()) {
      m_->answer_with(Wait::State::abandoned);
    }
    m_->release();
  }
};

}  // namespace detail

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

  /// Answers with a value made from the arguments. If making it throws, the wait stays open.
  template <class... A>
    requires(std::is_constructible_v<detail::Stored<R>, A...>)
  bool resume(A&&... arguments) const {
    if (!pending()) return false;
    fill(std::forward<A>(arguments)...);
    m_->answered();
    return true;
  }
  /// Answers with an error, of any copyable type or a Failure: it is thrown at the `co_await`.
  template <class E>
  bool throw_(E&& error, SourceLocation where = SourceLocation::current()) const {
    if (!pending()) return false;
    if constexpr (std::is_same_v<std::decay_t<E>, Failure>) {
      slot().set_failure(std::forward<E>(error));
    } else {
      slot().set_failure(Failure(std::forward<E>(error), where));
    }
    m_->answered();
    return true;
  }
  /// Answers with either.
  bool fire(Outcome<detail::Delivered<R>> outcome) const {
    if (!pending()) return false;
    slot().set_outcome(std::move(outcome));
    m_->answered();
    return true;
  }

  /// Makes a RemoteWaiter of it, which another thread may answer. Needs remote_waiter.hpp.
  RemoteWaiter<R> remote() &&;

  /// Of a Waiter<Outcome<Q>>: the same wait as a Waiter<Q>, whose failures are delivered. It is
  /// what a decorator hands to the yieldable that it wraps.
 Waiter<detail::Delivered<R>> unwrapped() &&
     requires(!std::is_same_v<R, detail::Delivered<R>>) {
       return Waiter<detail::Delivered<R>>(std::exchange(m_, nullptr), epoch_);
     }

     private : template <class>
               friend class Waiter;
  friend struct detail::WaiterAccess;
  using WaiterBase::WaiterBase;

  Slot& slot() const noexcept { return static_cast<Slot&>(*m_->wait); }
  template <class... A>
  void fill(A&&... arguments) const {
    if constexpr (std::is_same_v<R, detail::Delivered<R>>) {
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
  template <class R>
  static Waiter<R> pass(Waiter<R>& waiter) noexcept {
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
    m.set(Microthread::queued | Microthread::answered_ahead);
    ReactorAccess::next_turn(reactor, m);
  }
};

/// Somebody who may fail a wait, but is not counted among those who will answer it: a timeout.
class Onlooker {
 public:
  explicit Onlooker(const WaiterBase& waiter) noexcept
      : task_(WaiterAccess::microthread(waiter)), epoch_(WaiterAccess::microthread(waiter).epoch) {}
  /// Nothing happens if the wait is over.
  void throw_(Failure failure) const noexcept {
    Microthread& m = task_.microthread();
    if (m.epoch != epoch_ || !m.is_waiting()) return;
    m.wait->ops->fail(*m.wait, std::move(failure));
    m.answered();
  }

 private:
  TaskRef task_;
  std::uint64_t epoch_;
};

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
[[gnu::always_inline]] inline DelayedCall schedule(Waiter<R>&& waiter, Duration delay,
                                                   A&&... value) {
  if (delay > Duration::zero()) {
    return detail::schedule_later(std::move(waiter), delay, std::forward<A>(value)...);
  }
  detail::WaiterAccess::resume_next_turn(waiter, std::forward<A>(value)...);
  return {};
}
template <class R, class... A>
DelayedCall schedule(const Waiter<R>& waiter, Duration delay, A&&... value) {
  return schedule(Waiter<R>(waiter), delay, std::forward<A>(value)...);
}

}  // namespace deferred
