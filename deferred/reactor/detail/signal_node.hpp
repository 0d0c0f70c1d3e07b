// SPDX-License-Identifier: MIT
//
// SignalNode: one watch of a signal, between its reactor, its SignalWatch and the signal handler.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

#include "deferred/memory/api.hpp"
#include "deferred/memory/free_list.hpp"
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
  // The library's own: told only if nobody else watches, and nobody waits for it. Set before
  // start_signal().
  bool internal = false;
  std::atomic<SignalNode*> next_watch{nullptr};  // of the same signal
  SignalNode* next_of_reactor = nullptr;
  Reactor* reactor = nullptr;  // null once it is dropped, or the reactor is gone

 private:
  DEFERRED_API void deliver() noexcept;
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
/// Over a fork(): nobody else is at work on the lists of watched signals.
void lock_signals() noexcept;
void unlock_signals() noexcept;
/// In the child: nothing is watched any more, and what the process did with the signals before
/// stands again. REQUIRES: locked.
void forget_signals() noexcept;
/// But for our watches nobody handles or ignores the signal, none of them is the library's own, and
/// this is the first thread of the process.
bool signal_is_free(int signal) noexcept;

template <class F>
struct SignalNodeOf final : SignalNode {
  static_assert(ordinary_alignment<F>, "on_signal: the callable is over-aligned");
  SignalNodeOf(Inbox& of, int number, F&& moved) : SignalNode(of, number), f(std::move(moved)) {}
  void call() override {
    if constexpr (std::is_invocable_v<F&, int>) {
      (*f)(signal);
    } else {
      (*f)();
    }
  }
  void drop_callable() noexcept override { f.reset(); }
  std::optional<F> f;
};

}  // namespace detail
}  // namespace deferred
