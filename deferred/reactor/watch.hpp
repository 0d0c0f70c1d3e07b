// SPDX-License-Identifier: MIT
//
// Watch: an fd that is watched for readiness, made by Reactor::watch. Next: reactor.hpp.
#pragma once

#include <utility>

#include "deferred/reactor/backend.hpp"
#include "deferred/reactor/detail/watch_node.hpp"

namespace deferred {

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 does not see that a std::optional holds one, where that ends.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

namespace detail {
struct ReactorAccess;
}

/// The handle of a watch. Dropping it ends the watch: the callable is not called again, and is
/// destroyed now, or after its return if it is running.
class [[nodiscard]] Watch {
 public:
  Watch() noexcept = default;
  Watch(Watch&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  Watch& operator=(Watch&& other) noexcept {
    Watch old(std::move(other));
    std::swap(node_, old.node_);
    return *this;
  }
  ~Watch() {
    if (node_) drop();
  }

  /// Watches for something else from now on; none keeps the watch but reports nothing.
  void set_interest(Ready interest);
  Ready interest() const noexcept { return node_ ? node_->interest : Ready::none; }
  /// False after a move, and once the reactor is gone.
  bool active() const noexcept { return node_ && node_->reactor; }

 private:
  friend struct detail::ReactorAccess;
  explicit Watch(detail::WatchNode* node) noexcept : node_(node) {}
  void drop() noexcept;

  detail::WatchNode* node_ = nullptr;
};

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace deferred
