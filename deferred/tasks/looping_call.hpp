// SPDX-License-Identifier: MIT
//
// LoopingCall: a function that is called again and again, on a grid of time, for callback code. A
// coroutine has yieldables/timer.hpp. Next: reactor/delayed_call.hpp (one call).
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "deferred/memory/api.hpp"
#include "deferred/reactor/delayed_call.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/results/deferred.hpp"
#include "deferred/tasks/branch.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/tasks/yield_to.hpp"

namespace deferred {

namespace detail {
class LoopState;
}

/// Calls `f()` or `f(ticks)` at each tick of a grid, `interval` apart, that begins at start().
/// `ticks` is how many have come since the last call, a std::uint64_t: 1, or more if some were
/// missed. f may give nothing, a value that is dropped, an Outcome, or whatever can be awaited - a
/// Deferred, a Task, which is spawned - and no call is made, and no timer set, until that has its
/// result. What f fails with ends the loop. (Twisted: LoopingCall, LoopingCall.withCount)
///
/// Two things make a call late. Where the reactor was late, the call is made at once. Where f took
/// long, the ticks that passed meanwhile are skipped, and the next call is at the next tick. Either
/// way the grid stays where it was. An interval of 0 is a call a turn, with 1.
///
/// Move-only. Dropped, it stops as by stop(), also inside f, which lives until it has ended.
class [[nodiscard]] DEFERRED_API LoopingCall {
 public:
  /// On the reactor that Reactor::current() gives at the start. A negative interval:
  /// std::invalid_argument.
  template <class F>
  [[nodiscard]] LoopingCall(AnyDuration interval, F f);
  /// On a reactor that is named, and lives at each start.
  template <class F>
  [[nodiscard]] LoopingCall(Reactor& reactor, AnyDuration interval, F f);
  LoopingCall(LoopingCall&&) noexcept = default;
  LoopingCall& operator=(LoopingCall&& other) noexcept;
  ~LoopingCall();

  /// Calls f inside this call, which is the first tick of the grid. The Deferred fires when the
  /// loop has ended: with a success after stop(), with what f failed with, with an AbandonedError
  /// if the reactor ends first. Its cancel() ends the loop with Cancelled; while what f gave is
  /// waited for, that is cancelled instead, and the loop ends with what comes of it, a success too.
  /// std::logic_error: it runs already. It may be started again once it has ended, and in a
  /// callback of that. (Twisted: start)
  Deferred<void> start(SourceLocation where = SourceLocation::current());
  /// The same with the first call one interval from now. (Twisted: start(now=False))
  Deferred<void> start_later(SourceLocation where = SourceLocation::current());
  /// Ends the loop, inside this call if it waits for its next tick. In f, or while what f gave is
  /// waited for, that ends it; an error of f wins. std::logic_error: it does not run.
  void stop();
  /// The grid begins anew: the next call is one interval from now, or at a later tick of the new
  /// grid if f ends later than that. std::logic_error: it does not run.
  void reset();
  /// It was started, and has not ended: its Deferred has no result yet.
  bool running() const noexcept;

 private:
  static void require_interval(AnyDuration interval);
  [[gnu::visibility("hidden")]] detail::LoopState& state() const;

  std::shared_ptr<detail::LoopState> state_;  // null after a move
};

namespace detail {

/// A loop, without the type of its callable. Its timer, and what is added to the Deferred that is
/// waited for, hold it: so it may be dropped inside each of its calls.
class LoopState : public std::enable_shared_from_this<LoopState> {
 public:
  LoopState(Reactor* named, Duration interval) noexcept : named_(named), interval_(interval) {}
  LoopState(const LoopState&) = delete;
  LoopState& operator=(const LoopState&) = delete;
  virtual ~LoopState() = default;

  Deferred<void> start(bool at_once, SourceLocation where);
  void stop();
  void reset();
  bool running() const noexcept { return phase_ != Phase::idle; }

 protected:
  Reactor& reactor() const noexcept { return *reactor_; }
  SourceLocation where() const noexcept { return where_; }
  /// Calls f. Ends with called() or wait_for().
  virtual void call(std::uint64_t ticks) noexcept = 0;
  /// f has its result. May end *this, but for what holds it.
  DEFERRED_API void called(Outcome<void>&& outcome) noexcept;
  template <class T>
  void wait_for(Deferred<T>&& begun) {
    try {
      keep(std::move(begun).add_both([loop = shared_from_this()](Outcome<T>&& outcome) {
        loop->called(without_value(std::move(outcome)));
      }));
    } catch (...) {
      std::move(begun).abandon();
      throw;
    }
  }
  template <class T>
  static Outcome<void> without_value(Outcome<T>&& outcome) noexcept {
    if (outcome.has_value()) return {};
    return std::move(outcome).failure();
  }

 private:
  class Tick;
  enum class Phase : std::uint8_t { idle, waiting, calling };
  enum class Asked : std::uint8_t { nothing, to_end, to_cancel };

  Cancelling cancel();
  void run(std::uint64_t ticks) noexcept;
  void tick() noexcept;
  void timer_dropped() noexcept;
  void schedule(TimePoint now) noexcept;
  void finish(Outcome<void>&& outcome) noexcept;
  DEFERRED_API void keep(Deferred<void>&& pending) noexcept;

  Reactor* const named_;        // null: Reactor::current() is asked
  Reactor* reactor_ = nullptr;  // lives while a timer is set or something is waited for
  const Duration interval_;
  TimePoint last_{};  // the tick called last, or where the grid begins
  Phase phase_ = Phase::idle;
  Asked asked_ = Asked::nothing;  // of a call of f; to_cancel: while it runs itself
  SourceLocation where_;          // of the start
  Promise<void> promise_;
  DelayedCall timer_;       // set while waiting
  Deferred<void> pending_;  // what f gave, while it is waited for
};

template <class F>
class LoopOf final : public LoopState {
  static constexpr bool takes_ticks = std::is_invocable_v<F&, std::uint64_t>;
  static_assert(takes_ticks || std::is_invocable_v<F&>,
                "LoopingCall: the callable takes nothing, or how many ticks have come, a "
                "std::uint64_t");

 public:
  LoopOf(Reactor* named, Duration interval, F&& f) : LoopState(named, interval), f_(std::move(f)) {}

 private:
  decltype(auto) invoke([[maybe_unused]] std::uint64_t ticks) {
    if constexpr (takes_ticks) {
      return f_(ticks);
    } else {
      return f_();
    }
  }
  auto begin(std::uint64_t ticks) {
    using R = decltype(invoke(ticks));
    static_assert(!std::is_same_v<std::decay_t<R>, Failure>,
                  "LoopingCall: a callable that gives a Failure gives an Outcome<void>, or throws");
    if constexpr (std::is_void_v<R>) {
      invoke(ticks);
      return succeed();
    } else if constexpr (IsOutcome<std::decay_t<R>>::value) {
      return maybe_deferred([&] { return invoke(ticks); });
    } else if constexpr (Deferrable<R>) {
      Deferred<typename R::value_type> given = invoke(ticks);
      if (given.has_result()) return given;
      return start_wait(reactor(), std::move(given), where());  // which ends with the reactor
    } else if constexpr (AwaitedAsSubtask<R>) {
      return spawned(invoke(ticks));
    } else if constexpr (Yieldable<R>) {
      require_yieldable<R>();
      return start_wait(reactor(), invoke(ticks), where());
    } else {
      static_cast<void>(invoke(ticks));
      return succeed();
    }
  }
  /// What was spawned does not run if there is no memory for its Deferred.
  template <class Y>
  auto spawned(Y&& made) {
    require_yieldable<Y>();
    auto handle = [&] {
      if constexpr (std::is_lvalue_reference_v<Y>) {
        return spawn(reactor(), [&made] { return deferred::yield_to(made); });
      } else {
        return spawn(reactor(), std::move(made));
      }
    }();
    TaskRef task = handle.task();
    try {
      return std::move(handle).deferred(where());
    } catch (...) {
      task.close();
      throw;
    }
  }
  void call(std::uint64_t ticks) noexcept override {
    Outcome<void> outcome;
    try {
      auto begun = begin(ticks);
      if (!begun.has_result()) return this->wait_for(std::move(begun));
      outcome = this->without_value(std::move(begun).result());
    } catch (...) {
      outcome = Failure::current(where());
    }
    this->called(std::move(outcome));
  }

  F f_;
};

}  // namespace detail

template <class F>
LoopingCall::LoopingCall(AnyDuration interval, F f) {
  require_interval(interval);
  state_ = std::make_shared<detail::LoopOf<F>>(nullptr, interval, std::move(f));
}

template <class F>
LoopingCall::LoopingCall(Reactor& reactor, AnyDuration interval, F f) {
  require_interval(interval);
  state_ = std::make_shared<detail::LoopOf<F>>(&reactor, interval, std::move(f));
}

}  // namespace deferred
