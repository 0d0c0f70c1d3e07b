// SPDX-License-Identifier: MIT
// The timers of a reactor.
#include "deferred/reactor/delayed_call.hpp"

#include <algorithm>
#include <memory>

#include "deferred/reactor/reactor.hpp"

namespace deferred {

// What is set meanwhile waits for the next turn: it has a higher number, and not_before_ keeps it
// from getting in front of one that is due.
void Reactor::fire_due_timers(std::uint64_t pushes) noexcept {
  while (detail::TimerEntry* const due = timers_.first_due(not_before_, pushes)) {
    auto& node = static_cast<detail::TimerNode&>(*due);
    node.deadline = timers_.deadline(node);
    timers_.pop();
    node.state = detail::TimerNode::State::called;
    node.reactor = nullptr;
    try {
      node.call();
    } catch (...) {
      detail::report_thrown("a callback of call_later");
    }
    node.drop_callable();
    node.release();
  }
}

DelayedCall Reactor::add_timer(TimePoint deadline, detail::TimerNode* made) {
  if (!timers_.has_room()) [[unlikely]]
    make_room_for_timer(made);
  made->reactor = this;
  put_timer(*made, deadline);
  return detail::ReactorAccess::handle(made);
}

void Reactor::make_room_for_timer(detail::TimerNode* made) {
  std::unique_ptr<detail::TimerNode> node(made);  // goes if there is no memory
  timers_.make_room();
  static_cast<void>(node.release());
}

inline void Reactor::put_timer(detail::TimerNode& node, TimePoint deadline) noexcept {
  timers_.push(node, std::max(deadline, not_before_));
  if (!awake_ && deadline < armed_) backend_->arm(armed_ = deadline);
}

void DelayedCall::require_home() const noexcept {
  detail::ReactorAccess::require_home(*node_->reactor, "cancelling a DelayedCall");
}
void DelayedCall::withdraw() noexcept { detail::ReactorAccess::cancel(*node_->reactor, *node_); }

TimePoint DelayedCall::time() const noexcept {
  if (!node_) return TimePoint::max();
  if (!node_->reactor) return node_->deadline;
  return detail::ReactorAccess::time(*node_->reactor, *node_);
}

void DelayedCall::set(TimePoint deadline) {
  if (!active()) {
    throw AlreadyCalledError("this DelayedCall was called or cancelled before: it cannot be set");
  }
  detail::ReactorAccess::set(*node_->reactor, *node_, deadline);
}

void DelayedCall::reset(AnyDuration delay) {
  set(active() ? detail::not_before(node_->reactor->now(), delay) : TimePoint());
}
void DelayedCall::delay(AnyDuration more) { set(later(time(), more)); }

namespace detail {

void ReactorAccess::cancel(Reactor& reactor, TimerNode& node) noexcept {
  node.deadline = reactor.timers_.deadline(node);
  reactor.timers_.remove(node);
  node.state = TimerNode::State::cancelled;
  node.reactor = nullptr;
  node.drop_callable();  // may drop the last handle
  node.release();
}

void ReactorAccess::set(Reactor& reactor, TimerNode& node, TimePoint deadline) {
  reactor.require_home("setting a DelayedCall");
  if (!reactor.timers_.has_room()) reactor.timers_.make_room();
  reactor.timers_.remove(node);
  reactor.put_timer(node, deadline);
}

TimePoint ReactorAccess::time(const Reactor& reactor, const TimerNode& node) noexcept {
  return reactor.timers_.deadline(node);
}

}  // namespace detail
}  // namespace deferred
