// SPDX-License-Identifier: MIT
#include "deferred/tasks/detail/nursery_state.hpp"

#include "deferred/results/errors.hpp"
#include "deferred/tasks/detail/open_scope.hpp"

namespace deferred::detail {

NurseryState::NurseryState(Reactor& reactor) noexcept : node_(*this, reactor) {
  node_.failed = &child_failed;
  node_.ended = &child_ended;
}

NurseryState::~NurseryState() {
  if (waiting_) {
    waiting_->state_ = nullptr;
    waiter_.resume();
  }
  if (visit_) visit_->state_ = nullptr;
  if (first_) report_unhandled(first_, "a Nursery that nobody waited for");
}

Reactor& NurseryState::reactor() const {
  if (!node_.reactor) throw NoReactorError("Nursery: its reactor is gone");
  return *node_.reactor;
}

void NurseryState::fail(const Failure& failure) noexcept {
  if (failure.check<Cancelled>()) {
    cut_ = true;
    return;
  }
  if (!first_) {
    first_ = failure;
  } else {
    first_.suppress(failure);
  }
  cancel_scope(node_);
}

void NurseryState::child_failed(Family& family, const Failure& failure) noexcept {
  static_cast<Node&>(family).state->fail(failure);
}

void NurseryState::child_ended(Family& family) noexcept {
  NurseryState& state = *static_cast<Node&>(family).state;
  if (--state.live_ == 0 && state.waiter_.pending()) state.waiter_.resume();
}

Cancelling NurseryState::Empty::Undo::request_cancel() noexcept {
  if (!state_) return Cancelling::now;
  state_->asked_once_ = true;
  cancel_scope(state_->node_);
  return Cancelling::answer_follows;
}

NurseryState::Empty::Undo NurseryState::Empty::yield_to(Waiter<Outcome<void>> waiter) const {
  if (state_->live_ == 0) {
    waiter.resume();
  } else {
    state_->waiter_ = std::move(waiter);
  }
  return Undo(*state_);
}

Task<void> NurseryState::gone() {
  const OpenScope out_of_reach(Shielding::level);
  const Visit* const visit = visit_;
  while (live_ != 0) {
    Empty empty(*this);
    const Outcome<void> outcome = co_await unlisted(std::move(empty));
    if (visit && visit->nursery_is_gone()) co_return;
    if (!outcome.has_value()) fail(outcome.failure());
  }
}

}  // namespace deferred::detail
