// SPDX-License-Identifier: MIT
// The timers of a reactor.
#include "deferred/delayed_call.hpp"

#include <memory>

#include "deferred/reactor.hpp"

namespace deferred {

void Reactor::fire_due_timers() noexcept {
  const TimePoint present = now();
  while (!timers_.empty() && timers_.earliest() <= present) {
    const TimePoint deadline = timers_.earliest();
    auto& node = static_cast<detail::TimerNode&>(timers_.pop());
    node.state = detail::TimerNode::State::due;
    node.deadline = deadline;
    due_.push_back(&node);  // has room: add_timer() saw to it
  }
  for (std::size_t i = 0; i < due_.size(); ++i) {  // a call may set timers, and due_ may move
    detail::TimerNode* const node = due_[i];
    if (node->state == detail::TimerNode::State::due) {
      node->state = detail::TimerNode::State::called;
      try {
        node->call();
      } catch (...) {
        detail::report_thrown("a callback of call_later");
      }
      node->reactor = nullptr;
      node->drop_callable();
    }
    node->release();
  }
  due_.clear();
}

DelayedCall Reactor::add_timer(TimePoint deadline, detail::TimerNode* made) {
  require_home("call_later() or call_at()");
  if (!timers_.has_room()) [[unlikely]]
    make_room_for_timers(made);
  timers_.push(*made, deadline);
  made->reactor = this;
  made->refs = 2;
  if (!awake_ && deadline < armed_) backend_->arm(armed_ = deadline);
  return detail::ReactorAccess::handle(made);
}

void Reactor::make_room_for_timers(detail::TimerNode* made) {
  std::unique_ptr<detail::TimerNode> node(made);  // goes if there is none
  const std::size_t room = 2 * timers_.size() + 16;
  due_.reserve(room);
  timers_.reserve(room);
  static_cast<void>(node.release());
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

void DelayedCall::reset(Duration delay) {
  set(active() ? later(node_->reactor->now(), delay) : TimePoint());
}
void DelayedCall::delay(Duration more) { set(later(time(), more)); }

namespace detail {

void ReactorAccess::cancel(Reactor& reactor, TimerNode& node) noexcept {
  reactor.require_home("cancelling a DelayedCall");
  const bool was_set = node.state == TimerNode::State::set;
  node.state = TimerNode::State::cancelled;
  node.reactor = nullptr;
  if (was_set) {
    node.deadline = reactor.timers_.deadline(node);
    reactor.timers_.remove(node);
  } else {
    ++node.refs;  // fire_due_timers() still has its own
  }
  node.drop_callable();  // may drop the last handle
  node.release();
}

void ReactorAccess::set(Reactor& reactor, TimerNode& node, TimePoint deadline) {
  reactor.require_home("setting a DelayedCall");
  const bool was_due = node.state == TimerNode::State::due;
  if (was_due) reactor.due_.reserve(reactor.timers_.size() + 1);
  if (!was_due) reactor.timers_.remove(node);
  reactor.timers_.push(node, deadline);
  if (was_due) ++node.refs;
  node.state = TimerNode::State::set;
  if (!reactor.awake_ && deadline < reactor.armed_) {
    reactor.backend_->arm(reactor.armed_ = deadline);
  }
}

TimePoint ReactorAccess::time(const Reactor& reactor, const TimerNode& node) noexcept {
  return node.state == TimerNode::State::set ? reactor.timers_.deadline(node) : node.deadline;
}

}  // namespace detail
}  // namespace deferred
