// SPDX-License-Identifier: MIT
//
// RemoteSender<T>: the end of a Channel that other threads fill. Made by Channel::remote_sender().
#pragma once

#include <memory>
#include <utility>

#include "deferred/reactor/remote_reactor.hpp"
#include "deferred/yieldables/detail/remote_inlet.hpp"

namespace deferred {

/// Copyable, for any thread, and may outlive the channel and the reactor. Bounded: no thread has
/// more on its way than the channel has room for, so that none floods the reactor, which is woken
/// once for what comes together. Items of a thread arrive in their order.
template <class T>
class [[nodiscard]] RemoteSender {
 public:
  RemoteSender(const RemoteSender&) = default;
  RemoteSender& operator=(const RemoteSender&) = default;
  ~RemoteSender() = default;

  /// Sends the item, and blocks this thread until there is room. False, and the item is dropped, if
  /// the channel was closed, or it or its reactor is gone, or that has stopped, also meanwhile.
  /// ReactorStateError: there is no room, and this is the reactor's own thread, which would wait
  /// for itself. A reactor that is not run keeps the caller waiting, and so does one that is
  /// joining it.
  ///
  /// A run that ends by crash(), or by a second SIGINT or SIGTERM, does not tell threads that are
  /// blocked already: they wait on until there is room, the channel is closed or destroyed, the
  /// reactor is destroyed, or has run again and stopped. Close the channel before you join them.
  bool send(T item) const { return inlet_->put(item, home_, true); }
  /// The same without waiting. False if there is no room, too; the item is still the caller's then.
  bool try_send(T&& item) const { return inlet_->put(item, home_, false); }
  /// Nothing more can be sent, and the work for it be left: the channel was closed, or it or its
  /// reactor is gone.
  bool is_closed() const noexcept { return inlet_->is_closed(); }

 private:
  template <class>
  friend class Channel;
  RemoteSender(std::shared_ptr<detail::RemoteInlet<T>> inlet, RemoteReactor home) noexcept
      : inlet_(std::move(inlet)), home_(std::move(home)) {}

  std::shared_ptr<detail::RemoteInlet<T>> inlet_;
  RemoteReactor home_;
};

}  // namespace deferred
