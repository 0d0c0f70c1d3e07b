// SPDX-License-Identifier: MIT
//
// ChannelItems: what is in a Channel. Part of channel.hpp: include that.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "deferred/memory/api.hpp"
#include "deferred/memory/free_list.hpp"
#include "deferred/results/failure.hpp"

namespace deferred::detail {

/// A list: an item that could not be delivered goes back, and a row of them from a thread goes in,
/// without an allocation and without a move.
template <class T>
class ChannelItems {
  static_assert(ordinary_alignment<T>,
                "Channel: this item is over-aligned: send a std::unique_ptr to it");

 public:
  struct Node : Recycled {
    explicit Node(T&& from) : item(std::move(from)) {}
    Node* next = nullptr;
    T item;
  };

  ChannelItems() noexcept = default;
  ChannelItems(const ChannelItems&) = delete;
  ChannelItems& operator=(const ChannelItems&) = delete;
  ~ChannelItems() {
    while (first_) static_cast<void>(take_first());
  }

  bool empty() const noexcept { return !first_; }
  std::size_t size() const noexcept { return size_; }
  T& front() noexcept { return first_->item; }
  /// If that throws, nothing has changed.
  void push_back(T&& item) {
    Node* const node = new Node(std::move(item));
    *last_ = node;
    last_ = &node->next;
    ++size_;
  }
  /// REQUIRES: not empty.
  std::unique_ptr<Node> take_first() noexcept {
    Node* const node = first_;
    first_ = node->next;
    if (!first_) last_ = &first_;
    --size_;
    return std::unique_ptr<Node>(node);
  }
  void put_back(std::unique_ptr<Node> node) noexcept {
    if (!first_) last_ = &node->next;
    node->next = first_;
    first_ = node.release();
    ++size_;
  }
  /// All of the others behind these.
  void take_all(ChannelItems& others) noexcept {
    if (others.empty()) return;
    *last_ = std::exchange(others.first_, nullptr);
    last_ = std::exchange(others.last_, &others.first_);
    size_ += std::exchange(others.size_, 0);
  }

 private:
  Node* first_ = nullptr;
  Node** last_ = &first_;  // where the next one is linked in
  std::size_t size_ = 0;
};

/// For the senders that a close() finds waiting; they are told also where there is no memory.
DEFERRED_API Failure channel_closed() noexcept;

}  // namespace deferred::detail
