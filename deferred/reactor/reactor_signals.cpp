// SPDX-License-Identifier: MIT
// The watched signals of a reactor; the system calls are in detail/signals.cpp.
#include "deferred/reactor/signal_watch.hpp"

#include <memory>

#include "deferred/reactor/reactor.hpp"

namespace deferred {

SignalWatch Reactor::add_signal(detail::SignalNode* made) {
  std::unique_ptr<detail::SignalNode> node(made);
  require_home("on_signal()");
  detail::start_signal(*node);
  node->reactor = this;
  node->next_of_reactor = std::exchange(signals_, node.get());
  return SignalWatch(node.release());
}

void SignalWatch::drop() noexcept {
  detail::SignalNode& node = *std::exchange(node_, nullptr);
  if (node.reactor) detail::ReactorAccess::remove_signal(*node.reactor, node);
  node.release();
}

namespace detail {

void ReactorAccess::remove_signal(Reactor& reactor, SignalNode& node) noexcept {
  reactor.require_home("dropping a SignalWatch");
  end_signal(node);
  SignalNode** link = &reactor.signals_;
  while (*link != &node) link = &(*link)->next_of_reactor;
  *link = node.next_of_reactor;
  node.reactor = nullptr;
  node.let_go();
}

void SignalNode::deliver() noexcept {
  queued.store(false, std::memory_order_release);  // what comes from here on is another one
  if (reactor) {
    calling = true;
    try {
      call();
    } catch (...) {
      report_thrown("a callback of on_signal");
    }
    calling = false;
    if (!reactor) drop_callable();
  }
  delete_if_over();
}

void SignalNode::let_go() noexcept {
  if (!calling) drop_callable();
  release();
}

}  // namespace detail
}  // namespace deferred
