// SPDX-License-Identifier: MIT
//
// ShutdownTrigger: something to be done when run() ends, set with Reactor::at_shutdown. Next:
// reactor.hpp.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "deferred/reactor/detail/trigger_node.hpp"

namespace deferred {

/// When a trigger is called: before what is open is closed, while, or after it. (Twisted:
/// addSystemEventTrigger)
enum class Phase : std::uint8_t { before, during, after };

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 does not see that a std::optional holds one, where that ends.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
/// The handle of a trigger. Dropping it takes the trigger back; detach() lets it be. A trigger is
/// called once. May outlive the reactor.
class [[nodiscard]] ShutdownTrigger {
 public:
  ShutdownTrigger() noexcept = default;
  explicit ShutdownTrigger(std::shared_ptr<detail::TriggerNode> node) noexcept
      : node_(std::move(node)) {}
  ShutdownTrigger(ShutdownTrigger&&) noexcept = default;
  ShutdownTrigger& operator=(ShutdownTrigger&& other) noexcept {
    ShutdownTrigger old(std::move(other));
    std::swap(node_, old.node_);
    return *this;
  }
  ~ShutdownTrigger() {
    if (node_) node_->drop();
  }

  /// It has not been called yet.
  bool active() const noexcept { return node_ && node_->set; }
  /// The call happens without this handle.
  void detach() && noexcept { node_.reset(); }

 private:
  std::shared_ptr<detail::TriggerNode> node_;
};
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace deferred
