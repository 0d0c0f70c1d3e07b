// SPDX-License-Identifier: MIT
//
// DelayedCall: a timer that was set with Reactor::call_later. Next: reactor.hpp.
#pragma once

#include <utility>

#include "deferred/memory/api.hpp"
#include "deferred/reactor/backend.hpp"
#include "deferred/reactor/detail/home.hpp"
#include "deferred/reactor/detail/timer_node.hpp"

namespace deferred {

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 does not see that a std::optional holds one, where that ends.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

namespace detail {
struct ReactorAccess;
}

/// The handle of a timer. Dropping it cancels the call; detach() lets it be. Inactive after the
/// call, and once the reactor is gone.
class [[nodiscard]] DEFERRED_API DelayedCall {
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
    if (node_->active()) checked_withdraw();
    node_->release();
  }

  /// False if it was not active any more. Its callable is destroyed now, or after its return.
  bool cancel() noexcept {
    if (!active()) return false;
    checked_withdraw();
    return true;
  }
  /// Sets the deadline anew: now + `delay`, or now if that is negative, behind those that are set
  /// for that time already. Throws AlreadyCalledError if it is not active. (Twisted:
  /// DelayedCall.reset)
  void reset(AnyDuration delay);
  /// Moves the deadline by `more`. Throws AlreadyCalledError if it is not active. (Twisted:
  /// DelayedCall.delay)
  void delay(AnyDuration more);
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
  // Programs do it often: where nothing is to be checked, nothing is asked.
  void checked_withdraw() noexcept {
    if constexpr (detail::thread_checks == detail::ThreadChecks::on) require_home();
    withdraw();
  }
  void withdraw() noexcept;
  void require_home() const noexcept;
  [[gnu::visibility("hidden")]] void set(TimePoint deadline);

  detail::TimerNode* node_ = nullptr;
};

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace deferred
