// SPDX-License-Identifier: MIT
//
// WaitList: those who wait for something, first come, first served. What an Event, a Semaphore and
// a Channel hand out is handed out over it. A node stands in the wait's undo: it leaves by itself
// when the wait ends. Written with what is public.
#pragma once

#include <cstddef>
#include <utility>

#include "deferred/tasks/waiter.hpp"

namespace deferred::detail {

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 does not see that a list which ends has let go of all its nodes.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdangling-pointer"
#endif
/// A link of a list's ring, or of none.
class WaitLink {
 public:
  WaitLink() noexcept = default;
  WaitLink(const WaitLink&) = delete;
  WaitLink& operator=(const WaitLink&) = delete;
  ~WaitLink() { unlink(); }

 private:
  template <class>
  friend class WaitList;
  void unlink() noexcept {
    if (!next_) return;
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = nullptr;
  }
  void put_before(WaitLink& other) noexcept {
    next_ = &other;
    previous_ = std::exchange(other.previous_, this);
    previous_->next_ = this;
  }

  WaitLink* previous_ = nullptr;
  WaitLink* next_ = nullptr;
};
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

/// Somebody who waits for an R: the undo of that wait.
template <class R>
class WaitNode : public WaitLink {
 public:
  /// `from` answers the Waiter, or adds the node to its list.
  template <class From>
  WaitNode(From& from, Waiter<R>&& waiter) {
    from.begin(*this, std::move(waiter));
  }
  /// It waits, and may be answered. False where it has lost a race, or its time is up, but has not
  /// gone on yet.
  bool pending() const noexcept { return waiter_.pending(); }

 protected:
  WaitNode() noexcept = default;

 private:
  template <class>
  friend class WaitList;
  Waiter<R> waiter_;  // while it is in a list
};

template <class Node>
class WaitList {
 public:
  WaitList() noexcept { close_ring(); }
  /// Those that wait now; the other list is empty then.
  WaitList(WaitList&& other) noexcept {
    head_.put_before(other.head_);
    other.head_.unlink();
    other.close_ring();
  }
  WaitList& operator=(WaitList&&) = delete;
  /// Drops the Waiters of those that are left: AbandonedError.
  ~WaitList() {
    while (Node* const node = first()) static_cast<void>(take(*node));
  }

  /// The first that is pending. Those before it are taken out: they go by themselves.
  Node* first() noexcept {
    while (head_.next_ != &head_) {
      Node& node = static_cast<Node&>(*head_.next_);
      if (node.pending()) return &node;
      node.unlink();
    }
    return nullptr;
  }
  /// How many are pending; looks at each.
  std::size_t count() const noexcept {
    std::size_t pending = 0;
    for (const WaitLink* link = head_.next_; link != &head_; link = link->next_) {
      if (static_cast<const Node*>(link)->pending()) ++pending;
    }
    return pending;
  }

  template <class R>
  void add(Node& node, Waiter<R>&& waiter) noexcept {
    node.waiter_ = std::move(waiter);
    node.put_before(head_);
  }
  /// Takes it out, to be answered. An answer may run callbacks, which may end node and list.
  [[nodiscard]] auto take(Node& node) noexcept {
    node.unlink();
    return std::move(node.waiter_);
  }
  /// Back to where it was: it could not be answered.
  template <class R>
  void put_back(Node& node, Waiter<R>&& waiter) noexcept {
    node.waiter_ = std::move(waiter);
    node.put_before(*head_.next_);
  }

 private:
  void close_ring() noexcept { head_.previous_ = head_.next_ = &head_; }

  WaitLink head_;
};

}  // namespace deferred::detail
