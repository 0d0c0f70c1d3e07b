// SPDX-License-Identifier: MIT
//
// ShutdownTrigger: something to be done when run() ends, set with Reactor::at_shutdown. Next:
// reactor.hpp.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "deferred/results/deferred.hpp"

namespace deferred {

class Reactor;

/// When a trigger is called: before what is open is closed, while, or after it. (Twisted:
/// addSystemEventTrigger)
enum class Phase : std::uint8_t { before, during, after };

namespace detail {

struct TriggerNode {
  explicit TriggerNode(Phase of) noexcept : phase(of) {}
  virtual ~TriggerNode() = default;
  /// Calls the callable, which may be a coroutine: it has to live until the Deferred has a result.
  virtual Deferred<void> call() = 0;
  virtual void drop_callable() noexcept = 0;
  void drop() noexcept {
    if (std::exchange(set, false)) drop_callable();
  }

  const Phase phase;
  bool set = true;  // false once it was called, or its handle was dropped
};

/// Those that are set, in the order they were set.
using Triggers = std::vector<std::shared_ptr<TriggerNode>>;

/// What a trigger's Deferred finds when it has its result.
struct Shutdown {
  Reactor* reactor;      // null once it is gone
  unsigned number = 0;   // counts the shutdowns: only the present one waits
  unsigned awaited = 0;  // Deferreds of Phase::before
};

}  // namespace detail

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

}  // namespace deferred
