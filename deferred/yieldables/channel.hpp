// SPDX-License-Identifier: MIT
//
// Channel: items on their way from task to task. Next: remote_sender.hpp, from other threads.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "deferred/reactor/reactor.hpp"
#include "deferred/results/errors.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/tasks/waiter.hpp"
#include "deferred/yieldables/detail/channel_items.hpp"
#include "deferred/yieldables/detail/wait_list.hpp"
#include "deferred/yieldables/remote_sender.hpp"

namespace deferred {

template <class T>
class Send;
template <class T>
class Receive;

namespace detail {
template <class T>
class SendNode;
}

/// Any number of senders and receivers, on both sides first come, first served. It holds at most
/// `capacity` items that nobody has received yet; with 0, a send waits for its receive.
///
/// An item is moved when it is accepted, and not before: a send that is cut, or loses a race,
/// leaves it in the sender's variable. A receive that is cut takes nothing, unless it had its item
/// already and was closed. A receiver's callback, by to_deferred(), runs while he is given his
/// item: if that ends the send of it, or of the one that takes its place, it is sent all the same.
/// An item whose move into the channel, or to its receiver, throws stays where it was; one that
/// throws when it leaves his `co_await`, or enters his Deferred, is lost.
///
/// Destroyed: those that wait get AbandonedError. (Twisted: DeferredQueue)
template <class T>
class Channel {
  using Items = detail::ChannelItems<T>;
  using SendNode = detail::SendNode<T>;
  using ReceiveNode = detail::WaitNode<std::optional<T>>;

 public:
  explicit Channel(std::size_t capacity) noexcept : capacity_(capacity) {}
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel() {
    if (remote_) remote_->leave();
  }

  /// `co_await channel.send(std::move(item))` goes on when the item is in the channel or received.
  /// ChannelClosedError if it is closed, or is meanwhile. REQUIRES: the item outlives the wait, as
  /// a variable does, and a temporary of the same expression.
  Send<T> send(T&& item) noexcept { return Send<T>(*this, item); }
  /// `std::optional<T> item = co_await channel.receive();`: nothing once it is closed and empty. A
  /// loop: `for (auto item = co_await c.receive(); item; item = co_await c.receive())`.
  Receive<T> receive() noexcept { return Receive<T>(*this); }
  /// False if it would have to wait, or is closed: the item is still the caller's.
  bool try_send(T&& item) { return !closed_ && accept(item); }
  /// Nothing if there is nothing to be received now, or others wait for what there is.
  std::optional<T> try_receive();
  /// No more sends. Those that wait get ChannelClosedError; what is in it can still be received.
  void close() noexcept;

  bool is_closed() const noexcept { return closed_; }
  /// How many items are in it.
  std::size_t size() const noexcept { return items_.size(); }
  std::size_t capacity() const noexcept { return capacity_; }

  /// The channel as other threads may fill it: they share its capacity, with what is on its way.
  /// On one reactor, also for several. Throws std::invalid_argument if the capacity is 0.
  RemoteSender<T> remote_sender(Reactor& reactor = Reactor::current());

 private:
  friend SendNode;
  friend ReceiveNode;
  friend class detail::RemoteInlet<T>;

  void begin(SendNode& node, Waiter<void>&& waiter);
  void begin(ReceiveNode& node, Waiter<std::optional<T>>&& waiter);
  [[gnu::always_inline]] inline bool accept(T& item);
  [[gnu::noinline]] bool give_to(ReceiveNode& node, T& item);
  void give(Waiter<std::optional<T>>& receiver, T& item) {
    receiver.resume(std::in_place, std::move(item));
  }
  [[gnu::always_inline]] inline void give_first(Waiter<std::optional<T>>& receiver);
  [[gnu::noinline]] void give_from(SendNode& sender, Waiter<std::optional<T>>& receiver);
  bool give_to_waiting();
  [[gnu::always_inline]] inline Waiter<void> refill() noexcept;
  [[gnu::noinline]] Waiter<void> take_from(SendNode& sender) noexcept;
  bool take_room() noexcept { return remote_ ? remote_->take_room() : items_.size() < capacity_; }
  void give_room() noexcept {
    if (remote_) remote_->give_room();
  }

  // An answer may run callbacks, which may end the channel: what is answered is taken out of the
  // lists before, and nothing here is touched afterwards.
  const std::size_t capacity_;
  bool closed_ = false;
  Items items_;                         // none while a receiver waits, but for those being given
  detail::WaitList<SendNode> senders_;  // none while there is room
  detail::WaitList<ReceiveNode> receivers_;
  std::shared_ptr<detail::RemoteInlet<T>> remote_;  // made by the first remote_sender()
};

/// What Channel::send() gives.
template <class T>
class [[nodiscard]] Send {
 public:
  Send(Channel<T>& channel, T& item) noexcept : channel_(&channel), item_(&item) {}
  detail::SendNode<T> yield_to(Waiter<void> waiter) const {
    return detail::SendNode<T>(*channel_, *item_, std::move(waiter));
  }

 private:
  Channel<T>* channel_;
  T* item_;
};

/// What Channel::receive() gives.
template <class T>
class [[nodiscard]] Receive {
 public:
  explicit Receive(Channel<T>& channel) noexcept : channel_(&channel) {}
  detail::WaitNode<std::optional<T>> yield_to(Waiter<std::optional<T>> waiter) const {
    return detail::WaitNode<std::optional<T>>(*channel_, std::move(waiter));
  }

 private:
  Channel<T>* channel_;
};

namespace detail {

template <class T>
class SendNode : public WaitNode<void> {
 public:
  SendNode(Channel<T>& channel, T& of_sender, Waiter<void>&& waiter) : item(of_sender) {
    channel.begin(*this, std::move(waiter));
  }
  T& item;  // still the sender's
};

}  // namespace detail

template <class T>
void Channel<T>::begin(SendNode& node, Waiter<void>&& waiter) {
  if (!waiter.pending()) return;
  if (closed_) {
    waiter.throw_(ChannelClosedError("send: the channel is closed"));
  } else if (accept(node.item)) {
    waiter.resume();
  } else {
    senders_.add(node, std::move(waiter));
  }
}

template <class T>
bool Channel<T>::accept(T& item) {
  if (items_.empty()) {
    if (ReceiveNode* const node = receivers_.first()) return give_to(*node, item);
  }
  if (senders_.first() || !take_room()) return false;
  try {
    items_.push_back(std::move(item));
  } catch (...) {
    give_room();
    throw;
  }
  return true;
}

template <class T>
bool Channel<T>::give_to(ReceiveNode& node, T& item) {
  Waiter<std::optional<T>> receiver = receivers_.take(node);
  try {
    give(receiver, item);
  } catch (...) {
    receivers_.put_back(node, std::move(receiver));
    throw;
  }
  return true;
}

template <class T>
void Channel<T>::begin(ReceiveNode& node, Waiter<std::optional<T>>&& waiter) {
  if (!waiter.pending()) return;
  if (!receivers_.first()) {  // else what there is, is theirs: it is being handed out
    if (!items_.empty()) return give_first(waiter);
    if (SendNode* const sender = senders_.first()) return give_from(*sender, waiter);
    if (closed_) return static_cast<void>(waiter.resume(std::nullopt));
  }
  receivers_.add(node, std::move(waiter));
}

/// The item of a sender who waits, past the channel.
template <class T>
void Channel<T>::give_from(SendNode& sender, Waiter<std::optional<T>>& receiver) {
  Waiter<void> accepted = senders_.take(sender);
  try {
    give(receiver, sender.item);
  } catch (...) {
    senders_.put_back(sender, std::move(accepted));
    throw;
  }
  accepted.resume();
}

/// The first item to a receiver, and a waiting sender's into its place.
template <class T>
void Channel<T>::give_first(Waiter<std::optional<T>>& receiver) {
  auto first = items_.take_first();
  const Waiter<void> accepted = refill();
  try {
    give(receiver, first->item);
  } catch (...) {
    items_.put_back(std::move(first));
    accepted.resume();
    throw;
  }
  accepted.resume();
}

/// Both wait where there was no memory for the sender's item.
template <class T>
bool Channel<T>::give_to_waiting() {
  ReceiveNode* const node = receivers_.first();
  if (!node || (items_.empty() && !senders_.first())) return false;
  Waiter<std::optional<T>> receiver = receivers_.take(*node);
  if (items_.empty()) {
    give_from(*senders_.first(), receiver);
  } else {
    give_first(receiver);
  }
  return true;
}

/// Takes the item of the first sender, if one waits, into the room that there is now.
template <class T>
Waiter<void> Channel<T>::refill() noexcept {
  if (SendNode* const sender = senders_.first()) return take_from(*sender);
  give_room();
  return {};
}

/// Without memory for its item, the sender waits on.
template <class T>
Waiter<void> Channel<T>::take_from(SendNode& sender) noexcept {
  try {
    items_.push_back(std::move(sender.item));
    return senders_.take(sender);
  } catch (...) {
    give_room();
    return {};
  }
}

template <class T>
std::optional<T> Channel<T>::try_receive() {
  std::optional<T> item;
  if (receivers_.first()) return item;
  if (!items_.empty()) {
    item.emplace(std::move(items_.front()));
    static_cast<void>(items_.take_first());
    refill().resume();
  } else if (SendNode* const sender = senders_.first()) {
    item.emplace(std::move(sender->item));
    senders_.take(*sender).resume();
  }
  return item;
}

template <class T>
void Channel<T>::close() noexcept {
  if (std::exchange(closed_, true)) return;
  if (remote_ && !remote_->close()) return;
  detail::WaitList<SendNode> senders(std::move(senders_));
  detail::WaitList<ReceiveNode> receivers(std::move(receivers_));
  while (ReceiveNode* const node = receivers.first()) receivers.take(*node).resume(std::nullopt);
  if (!senders.first()) return;
  const Failure closed = detail::channel_closed();
  while (SendNode* const node = senders.first()) senders.take(*node).throw_(closed);
}

template <class T>
RemoteSender<T> Channel<T>::remote_sender(Reactor& reactor) {
  if (!remote_) {
    remote_ = std::make_shared<detail::RemoteInlet<T>>(*this, capacity_, items_.size());
  }
  return RemoteSender<T>(remote_, reactor.remote());
}

}  // namespace deferred
