// SPDX-License-Identifier: MIT
//
// Runnable and RunQueue: what the reactor runs, first in, first out, without an allocation of the
// queue's own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace deferred::detail {

struct Runnable {
  union {
    Runnable* next = nullptr;    // while it is in a queue
    std::uintptr_t awaits_left;  // while a microthread runs: see may_go_on()
  };
  /// Runs it; or, if the reactor is going away, only lets go of it.
  void (*run)(Runnable& self, bool alive) noexcept = nullptr;
};

class RunQueue {
 public:
  bool empty() const noexcept { return first_ == nullptr; }
  void push(Runnable& item) noexcept {
    item.next = nullptr;
    *last_ = &item;
    last_ = &item.next;
  }
  /// Moves all of `other` to the front of this one.
  void prepend(RunQueue& other) noexcept {
    if (other.empty()) return;
    *other.last_ = first_;
    if (empty()) last_ = other.last_;
    first_ = other.first_;
    other.clear();
  }
  /// Runs what the queue holds now; what is pushed meanwhile waits for the next call.
  void run_round(bool alive) noexcept {
    Runnable* item = first_;
    clear();
    while (item) {
      Runnable* const following = item->next;
      item->run(*item, alive);
      item = following;
    }
  }

  /// Runs items, oldest first, until there are none or so many have run: also what is pushed
  /// meanwhile. Gives how many more it may have been.
  int run_at_most(int count) noexcept {
    for (; first_ && count > 0; --count) {
      Runnable& item = pop();
      item.run(item, true);
    }
    return count;
  }

  /// Takes out the oldest. REQUIRES: not empty.
  Runnable& pop() noexcept {
    Runnable& item = *first_;
    first_ = item.next;
    if (!first_) last_ = &first_;
    return item;
  }
  std::size_t count() const noexcept {
    std::size_t n = 0;
    for (const Runnable* item = first_; item; item = item->next) ++n;
    return n;
  }

  /// Leaves its items as they are, in no queue.
  void forget() noexcept { clear(); }

  RunQueue() = default;
  RunQueue(const RunQueue&) = delete;
  RunQueue& operator=(const RunQueue&) = delete;

 private:
  void clear() noexcept {
    first_ = nullptr;
    last_ = &first_;
  }

  Runnable* first_ = nullptr;
  Runnable** last_ = &first_;  // where the next one is linked in
};

}  // namespace deferred::detail
