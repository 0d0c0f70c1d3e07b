// SPDX-License-Identifier: MIT
#include "deferred/tasks/looping_call.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "deferred/results/errors.hpp"

namespace deferred {
namespace detail {

/// What the timer calls. Dropped uncalled, it says so: the reactor is gone, or the loop has no need
/// of it any more.
class LoopState::Tick {
 public:
  explicit Tick(std::shared_ptr<LoopState> loop) noexcept : loop_(std::move(loop)) {}
  Tick(Tick&&) noexcept = default;
  Tick& operator=(Tick&&) = delete;
  ~Tick() {
    if (const auto loop = std::move(loop_)) loop->timer_dropped();
  }
  void operator()() {
    const auto loop = std::move(loop_);
    loop->tick();
  }

 private:
  std::shared_ptr<LoopState> loop_;
};

Deferred<void> LoopState::start(bool at_once, SourceLocation where) {
  if (running()) throw std::logic_error("LoopingCall: it cannot be started, for it runs already");
  Reactor& reactor = named_ ? *named_ : Reactor::current();
  // The canceller holds the loop weakly, or loop and chain would keep each other alive.
  auto [promise, ended] = make_deferred<void>(
      [weak = weak_from_this()] {
        const auto loop = weak.lock();
        return loop ? loop->cancel() : Cancelling::now;
      },
      where);
  reactor_ = &reactor;
  where_ = where;
  promise_ = std::move(promise);
  last_ = reactor.now();
  if (at_once) {
    run(1);
  } else {
    schedule(last_);
  }
  return std::move(ended);
}

void LoopState::stop() {
  if (!running()) throw std::logic_error("LoopingCall: it cannot be stopped, for it does not run");
  if (phase_ == Phase::waiting) return finish({});
  if (asked_ == Asked::nothing) asked_ = Asked::to_end;
}

void LoopState::reset() {
  if (!running()) throw std::logic_error("LoopingCall: it cannot be reset, for it does not run");
  if (phase_ == Phase::waiting) timer_.reset(interval_);
  last_ = reactor_->now();
}

// Of a wait for the next tick this is the end, and the canceller's caller fires Cancelled. What f
// has begun is asked to end; as long as f itself runs, that has to wait.
Cancelling LoopState::cancel() {
  if (phase_ == Phase::waiting) {
    phase_ = Phase::idle;
    timer_ = {};
    const Promise<void> dropped = std::move(promise_);
    return Cancelling::now;
  }
  if (pending_.valid()) {
    asked_ = Asked::to_end;
    pending_.cancel();
  } else {
    asked_ = Asked::to_cancel;
  }
  return Cancelling::answer_follows;
}

// f may drop the loop.
void LoopState::run(std::uint64_t ticks) noexcept {
  const auto self = shared_from_this();
  phase_ = Phase::calling;
  call(ticks);
}

void LoopState::tick() noexcept {
  timer_ = {};
  std::uint64_t ticks = 1;
  if (interval_ > Duration::zero()) {
    const auto passed = (reactor_->now() - last_) / interval_;
    last_ += passed * interval_;
    ticks = static_cast<std::uint64_t>(passed);
  }
  run(ticks);
}

// Of one that is waited for, the reactor is gone.
void LoopState::timer_dropped() noexcept {
  if (phase_ != Phase::waiting) return;
  Failure gone;
  try {
    gone = Failure(AbandonedError("the LoopingCall that was started at " + to_string(where_) +
                                      " has lost its reactor, which is gone",
                                  true),
                   where_);
  } catch (...) {
    gone = Failure::current(where_);
  }
  finish(std::move(gone));
}

void LoopState::keep(Deferred<void>&& pending) noexcept {
  pending_ = DeferredAccess::kept_to_cancel(std::move(pending));
  if (asked_ != Asked::to_cancel) return;
  asked_ = Asked::to_end;
  pending_.cancel();
}

// The turn's time is that of its beginning: what f has taken, the clock knows.
void LoopState::called(Outcome<void>&& outcome) noexcept {
  pending_ = {};
  if (!outcome.has_value() || asked_ == Asked::to_end) return finish(std::move(outcome));
  if (asked_ == Asked::to_cancel) return finish(cancelled_failure());
  schedule(std::max(reactor_->now(), reactor_->backend().now()));
}

void LoopState::schedule(TimePoint now) noexcept {
  try {
    TimePoint next = reactor_->now();
    if (interval_ > Duration::zero()) {
      next = later(last_ + (now - last_) / interval_ * interval_, interval_);
    }
    timer_ = reactor_->call_at(next, Tick(shared_from_this()));
    phase_ = Phase::waiting;
  } catch (...) {
    finish(Failure::current(where_));
  }
}

// Whoever is told may start it again, or drop it.
void LoopState::finish(Outcome<void>&& outcome) noexcept {
  phase_ = Phase::idle;
  asked_ = Asked::nothing;
  timer_ = {};
  Promise<void> promise = std::move(promise_);
  promise.fire(std::move(outcome));
}

}  // namespace detail

LoopingCall& LoopingCall::operator=(LoopingCall&& other) noexcept {
  LoopingCall old(std::move(other));
  std::swap(state_, old.state_);
  return *this;
}

LoopingCall::~LoopingCall() {
  if (const auto state = std::move(state_); state && state->running()) state->stop();
}

Deferred<void> LoopingCall::start(SourceLocation where) { return state().start(true, where); }
Deferred<void> LoopingCall::start_later(SourceLocation where) {
  return state().start(false, where);
}

// Whoever is told that it has ended may drop it.
void LoopingCall::stop() {
  const auto kept = state().shared_from_this();
  kept->stop();
}

void LoopingCall::reset() { state().reset(); }
bool LoopingCall::running() const noexcept { return state_ && state_->running(); }

detail::LoopState& LoopingCall::state() const {
  if (!state_) throw std::logic_error("this LoopingCall was moved from: there is nothing in it");
  return *state_;
}

void LoopingCall::require_interval(AnyDuration interval) {
  if (Duration(interval) < Duration::zero()) {
    throw std::invalid_argument("LoopingCall: the interval is negative");
  }
}

}  // namespace deferred
