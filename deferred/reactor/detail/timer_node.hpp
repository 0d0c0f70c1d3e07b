// SPDX-License-Identifier: MIT
//
// TimerNode: one timer, between its reactor and its DelayedCall.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "deferred/memory/free_list.hpp"
#include "deferred/reactor/backend.hpp"
#include "deferred/reactor/detail/timer_heap.hpp"

namespace deferred {

class Reactor;

namespace detail {

/// `now + delay`, and `now` if that is negative; the end of time instead of an overflow.
constexpr TimePoint not_before(TimePoint now, Duration delay) noexcept {
  if (delay <= Duration::zero()) return now;
  return now > TimePoint::max() - delay ? TimePoint::max() : now + delay;
}

/// The reactor holds a reference while it is set or being called, the DelayedCall
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

template <class F>
struct TimerNodeOf final : TimerNode {
  static_assert(ordinary_alignment<F>, "call_later: the callable is over-aligned");
  explicit TimerNodeOf(F&& moved) : f(std::move(moved)) {}
  void call() override {
    (*f)();
    f.reset();
  }
  void drop_callable() noexcept override { f.reset(); }
  std::optional<F> f;
};

}  // namespace detail
}  // namespace deferred
