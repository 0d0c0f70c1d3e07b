// SPDX-License-Identifier: MIT
//
// Event: something that has happened, or will. Next: channel.hpp, for what brings a value.
#pragma once

#include <utility>

#include "deferred/tasks/task.hpp"
#include "deferred/tasks/waiter.hpp"
#include "deferred/yieldables/detail/wait_list.hpp"

namespace deferred {

/// `co_await event` goes on when set() is called; without a suspension once it was. Any number may
/// wait, and each may wait again. Destroyed: those that wait get AbandonedError. (asyncio: Event)
class [[nodiscard]] Event {
  using Node = detail::WaitNode<void>;

 public:
  [[nodiscard]] Event() noexcept = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  /// It has happened: all that wait at this moment go on, also if it is cleared before they do.
  void set() noexcept {
    set_ = true;
    detail::WaitList<Node> now(std::move(waiting_));
    while (Node* const node = now.first()) now.take(*node).resume();
  }
  /// From here on it is waited for again.
  void clear() noexcept { set_ = false; }
  bool is_set() const noexcept { return set_; }

  detail::WaitNode<void> yield_to(Waiter<void> waiter) & { return Node(*this, std::move(waiter)); }

 private:
  friend Node;
  void begin(Node& node, Waiter<void>&& waiter) noexcept {
    if (set_) {
      waiter.resume();
    } else {
      waiting_.add(node, std::move(waiter));
    }
  }

  bool set_ = false;
  detail::WaitList<Node> waiting_;
};

}  // namespace deferred
