// SPDX-License-Identifier: MIT
//
// Permits: what a Semaphore and its Permits share. Part of semaphore.hpp: include that.
#pragma once

#include <cstddef>
#include <utility>

#include "deferred/memory/api.hpp"
#include "deferred/memory/free_list.hpp"
#include "deferred/yieldables/detail/wait_list.hpp"
#include "deferred/yieldables/semaphore.hpp"

namespace deferred::detail {

class PermitWait : public WaitNode<Permit> {
 public:
  using WaitNode::WaitNode;
};

/// Lives until the Semaphore and the last Permit are gone.
class Permits : public Recycled {
 public:
  explicit Permits(std::size_t count) noexcept : available_(count) {}

  /// Those that are not held. None of them while somebody waits.
  std::size_t available() const noexcept { return available_; }
  std::size_t waiting() const noexcept { return waiting_.count(); }
  void begin(WaitNode<Permit>& node, Waiter<Permit>&& waiter) noexcept;
  /// REQUIRES: available() > 0.
  Permit take() noexcept {
    --available_;
    ++held_;
    return Permit(*this);
  }
  bool may_take() noexcept { return available_ > 0 && !waiting_.first(); }
  void give_back() noexcept;
  /// The Semaphore is gone.
  void end() noexcept;

 private:
  void leave(bool was_busy) noexcept;

  std::size_t available_;
  std::size_t held_ = 0;
  bool busy_ =
      false;  // an answer is given: what is given back meanwhile is for the loop that gives
  bool gone_ = false;  // the Semaphore is
  WaitList<WaitNode<Permit>> waiting_;
};

}  // namespace deferred::detail
