// SPDX-License-Identifier: MIT
//
// DelayedCall: a timer that was set with Reactor::call_later. Next: reactor.hpp.
#pragma once

#include <cstdint>
#include <utility>

#include "deferred/memory/free_list.hpp"
#include "deferred/reactor/backend.hpp"
#include "deferred/reactor/detail/timer_heap.hpp"

namespace deferred {

class Reactor;

namespace detail {

struct ReactorAccess;

/// One timer. The reactor holds a reference while it is set or being called, the DelayedCall
/// another: so a callable may cancel or drop its own timer.
struct TimerNode : TimerEntry, Recycled {
  enum class State : std::uint8_t { set, called, cancelled };
  bool active() const noexcept { return state == State::set; }

  virtual ~TimerNode() = default;
  /// Calls the callable and destroys it. May throw what the callable throws.
  virtual void call() = 0;
  virtual void drop_callable() noexcept = 0;

  void release() noexcept {
    if (--refs == 0) delete this;
  }

  Reactor* reactor = nullptr;  // null once it is over, or the reactor is gone
  TimePoint deadline{};        // of one that is over; while set, the heap knows
  std::uint32_t refs = 2;
  State state = State::set;
};

}  // namespace detail

/// The handle of a timer. Dropping it cancels the call; detach() lets it be. Inactive after the
/// call, and once the reactor is gone.
class [[nodiscard]] DelayedCall {
 public:
  DelayedCall() noexcept = default;
  DelayedCall(DelayedCall&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  DelayedCall& operator=(DelayedCall&& other) noexcept {
    DelayedCall old(std::move(other));
    std::swap(node_, old.node_);
    return *this;
  }
  ~DelayedCall() {
    if (!node_) return;
    if (node_->active()) withdraw();
    node_->release();
  }

  /// False if it was not active any more. Its callable is destroyed now, or after its return.
  bool cancel() noexcept {
    if (!active()) return false;
    withdraw();
    return true;
  }
  /// Sets the deadline anew: now + `delay`, behind those that are set for that time already.
  /// Throws AlreadyCalledError if it is not active. (Twisted: DelayedCall.reset)
  void reset(Duration delay);
  /// Moves the deadline by `more`. Throws AlreadyCalledError if it is not active. (Twisted:
  /// DelayedCall.delay)
  void delay(Duration more);
  bool active() const noexcept { return node_ && node_->active(); }
  /// The deadline; of one that is not active, the last one.
  TimePoint time() const noexcept;
  /// The call happens without this handle.
  void detach() && noexcept {
    if (node_) std::exchange(node_, nullptr)->release();
  }

 private:
  friend struct detail::ReactorAccess;
  explicit DelayedCall(detail::TimerNode* node) noexcept : node_(node) {}
  void withdraw() noexcept;
  void set(TimePoint deadline);

  detail::TimerNode* node_ = nullptr;
};

}  // namespace deferred
