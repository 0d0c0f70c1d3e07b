// SPDX-License-Identifier: MIT
//
// Watch: an fd that is watched for readiness, made by Reactor::watch. Next: reactor.hpp.
#pragma once

#include <utility>

#include "deferred/memory/api.hpp"
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
///
/// It watches a number: drop it before the descriptor is closed. Of one that is closed first poll
/// and GLib tell, as ready; libuv does if it was closed before it was ever polled; epoll cannot
/// know. If its number is given to another file, poll, GLib and Qt report that one, and epoll does
/// from the next watch() of the number or set_interest() on, or once it has lost another so. If a
/// copy of it is open elsewhere - dup(), a child process -, epoll and libuv report that copy as
/// long as the Watch lives; libuv, and an Epoll whose fd() was given away, are kept awake by it
/// even longer.
class [[nodiscard]] DEFERRED_API Watch {
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
