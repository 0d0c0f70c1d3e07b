// SPDX-License-Identifier: MIT
//
// SignalWatch: a signal of the system that is watched for, made by Reactor::on_signal. Next:
// io/signal.hpp, the yieldable.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "deferred/reactor/detail/inbox.hpp"

namespace deferred {

class Reactor;

namespace detail {

/// One watch. The signal handler finds it in a list of all of them, and pushes it into its
/// reactor's inbox, unless it is there already. The handle holds a reference, and the reactor
/// another while it is active.
struct SignalNode : Message {
  SignalNode(Inbox& of, int number) noexcept : inbox(of), signal(number) {
    run = [](Message& self, bool, DroppedBlocks&) noexcept {
      static_cast<SignalNode&>(self).deliver();
    };
  }
  virtual ~SignalNode() = default;
  virtual void call() = 0;
  virtual void drop_callable() noexcept = 0;

  /// In the signal handler, on any thread.
  void arrive() noexcept {
    if (!queued.exchange(true, std::memory_order_acq_rel)) inbox.push_from_signal(*this);
  }
  void release() noexcept {
    --refs;
    delete_if_over();
  }
  /// The reactor has taken it off its list.
  void let_go() noexcept;

  Inbox& inbox;
  const int signal;
  bool internal = false;                         // the library's own: nobody waits for it
  std::atomic<SignalNode*> next_watch{nullptr};  // of the same signal
  SignalNode* next_of_reactor = nullptr;
  Reactor* reactor = nullptr;  // null once it is dropped, or the reactor is gone

 private:
  void deliver() noexcept;
  void delete_if_over() noexcept {
    if (refs == 0 && !calling && !queued.load(std::memory_order_acquire)) delete this;
  }

  std::atomic<bool> queued{false};  // in the inbox
  std::uint32_t refs = 2;
  bool calling = false;
};

/// From here on the signal goes to the node, and not to what the process did with it before. Throws
/// std::system_error if the system does not allow that.
void start_signal(SignalNode& node);
/// After this call the node is not pushed any more. The last watch of a signal puts the former
/// disposition back.
void end_signal(SignalNode& node) noexcept;
/// Nobody handles or ignores the signal, and this is the first thread of the process.
bool signal_is_free(int signal) noexcept;

}  // namespace detail

/// The handle of a watched signal. Dropping it ends the watch: the callable is not called again.
class [[nodiscard]] SignalWatch {
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

}  // namespace deferred
