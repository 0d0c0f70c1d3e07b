// SPDX-License-Identifier: MIT
//
// SignalWatch: a signal of the system that is watched for, made by Reactor::on_signal. Next:
// yieldables/signal.hpp, the yieldable.
#pragma once

#include <utility>

#include "deferred/memory/api.hpp"
#include "deferred/reactor/detail/signal_node.hpp"

namespace deferred {

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 does not see that a std::optional holds one, where that ends.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

/// The handle of a watched signal. Dropping it ends the watch: the callable is not called again.
class [[nodiscard]] DEFERRED_API SignalWatch {
 public:
  SignalWatch() noexcept = default;
  explicit SignalWatch(detail::SignalNode* node) noexcept : node_(node) {}
  SignalWatch(SignalWatch&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  SignalWatch& operator=(SignalWatch&& other) noexcept {
    SignalWatch old(std::move(other));
    std::swap(node_, old.node_);
    return *this;
  }
  ~SignalWatch() {
    if (node_) drop();
  }

  /// False after a move, and once the reactor is gone.
  bool active() const noexcept { return node_ && node_->reactor; }

 private:
  void drop() noexcept;

  detail::SignalNode* node_ = nullptr;
};

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace deferred
