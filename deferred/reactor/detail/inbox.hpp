// SPDX-License-Identifier: MIT
//
// Inbox: how other threads reach a reactor. A push is one compare-and-swap; only the push into an
// empty inbox does more: it wakes the backend, under a mutex that close() takes, so that no backend
// is woken after its end. Counted: remote ends keep it alive after the reactor. Also what else
// other threads may ask of a reactor: to stop, and whose it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

#include "deferred/memory/atomic.hpp"
#include "deferred/memory/message_memory.hpp"
#include "deferred/reactor/backend.hpp"
#include "deferred/reactor/detail/home.hpp"

namespace deferred::detail {

/// One message. Allocated by the sender; `run` consumes it on the reactor's thread, or, if `alive`
/// is false, disposes of it. Its memory, if from a slab, may be left to `dropped`.
struct Message {
  Message* next = nullptr;
  void (*run)(Message& self, bool alive, DroppedBlocks& dropped) noexcept = nullptr;
};

class Inbox {
 public:
  static constexpr std::size_t all = SIZE_MAX;

  explicit Inbox(Backend& backend) noexcept : backend_(&backend) {}

  void retain() noexcept { refs_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  // From any thread:

  /// False if the reactor is gone: the message is still the caller's.
  bool push(Message& message) noexcept { return push(message, false); }
  /// The same for a call; also false between a run() that was stopped and the next one.
  bool push_call(Message& message) noexcept {
    note_caller();
    return push(message, true);
  }
  /// push_call() would give true now.
  bool takes_calls() const noexcept {
    const std::uintptr_t head = head_.load(std::memory_order_relaxed);
    return head != closed && (head & refuse_bit) == 0;
  }
  /// Asks for a turn, unless the reactor is gone.
  void wake() noexcept {
    const std::lock_guard lock(mutex_);
    if (backend_) backend_->wake();
  }
  /// run() is to return after the present turn, or the next one at once.
  void stop() noexcept {
    retain();  // run() may return, and the reactor be destroyed, before the wake-up is done
    note_caller();
    stopping_.store(true, std::memory_order_relaxed);
    wake();
    release();
  }
  /// The thread that made the reactor.
  const Home& home() const noexcept { return home_; }
  /// In a signal handler. REQUIRES: not closed, nor about to be.
  void push_from_signal(Message& message) noexcept {
    if (add(message, false, [] {}) == Added::first) backend_->wake();
  }
  /// Counts those who hold the reactor to call it from other threads.
  void add_caller() noexcept { callers_.fetch_add(1, std::memory_order_relaxed); }
  void remove_caller() noexcept { callers_.fetch_sub(1, std::memory_order_release); }

  // On the reactor's thread:

  bool stopping() const noexcept { return stopping_.load(std::memory_order_relaxed); }
  void has_stopped() noexcept { stopping_.store(false, std::memory_order_relaxed); }
  bool empty() const noexcept {
    return !more_ && !message_of(head_.load(std::memory_order_relaxed));
  }
  /// The last drain() has left some: nobody wakes the backend for them.
  bool has_more() const noexcept { return more_ != nullptr; }
  /// Another thread has something for us, or may have: one has called, or holds the reactor. What
  /// a holder did before it let go is seen, for holders are looked for first.
  bool may_be_called() const noexcept {
    return callers_.load(std::memory_order_acquire) != 0 ||
           called_.load(std::memory_order_relaxed) || !empty();
  }
  /// Runs the messages that are there now, oldest first, at most so many.
  void drain(std::size_t most) noexcept {
    if (empty()) return;
    take(head_.exchange(mask_, std::memory_order_acquire));
    run(most, true);
  }
  /// From here on calls are refused, or taken again. Those that were taken before are still there.
  void refuse_calls(bool refuse) noexcept {
    mask_ = refuse ? refuse_bit : 0;
    if (refuse) {
      head_.fetch_or(refuse_bit, std::memory_order_relaxed);
    } else {
      head_.fetch_and(~refuse_bit, std::memory_order_relaxed);
    }
  }
  /// Disposes of what is there.
  void discard() noexcept {
    take(head_.exchange(mask_, std::memory_order_acquire));
    run(all, false);
  }
  /// In the child of a fork(): calls are refused from here on, and nobody is woken. The thread that
  /// forked is the only one now, and so its home; another may have held the mutex.
  void die() noexcept {
    std::construct_at(&mutex_);
    backend_ = nullptr;
    home_ = Home();
    refuse_calls(true);
  }
  /// Nothing comes in any more; what is there is disposed of.
  void close() noexcept {
    {
      const std::lock_guard lock(mutex_);
      backend_ = nullptr;
    }
    take(head_.exchange(closed, std::memory_order_acquire));
    run(all, false);
  }

 private:
  // What head_ holds: the newest message, and in its lowest bit whether calls are refused.
  static constexpr std::uintptr_t refuse_bit = 1;
  static constexpr std::uintptr_t closed = 2;  // no message stands there
  static_assert(alignof(Message) > closed);
  enum class Added : std::uint8_t { no, behind, first };

  ~Inbox() = default;
  void note_caller() noexcept {
    if (called_.load(std::memory_order_relaxed) || home_.here()) return;
    called_.store(true, std::memory_order_relaxed);
  }
  static Message* message_of(std::uintptr_t head) noexcept {
    return head == closed ? nullptr : reinterpret_cast<Message*>(head & ~refuse_bit);
  }
  /// `before_first()` is called, perhaps more than once, before the message can become the first.
  template <class F>
  Added add(Message& message, bool is_call, F before_first) noexcept {
    std::uintptr_t head = head_.load(std::memory_order_relaxed);
    do {
      if (head == closed || (is_call && (head & refuse_bit))) return Added::no;
      message.next = message_of(head);
      if (!message.next) before_first();
    } while (!head_.compare_exchange_weak(
        head, reinterpret_cast<std::uintptr_t>(&message) | (head & refuse_bit),
        std::memory_order_release, std::memory_order_relaxed));
    return message_of(head) ? Added::behind : Added::first;
  }
  // Once the message is in, it may be run, and the reactor end by it, with the last hold on the
  // inbox but our own: which only the first push needs, for no other touches the inbox afterwards.
  bool push(Message& message, bool is_call) noexcept {
    bool held = false;
    const Added added = add(message, is_call, [this, &held] {
      if (!std::exchange(held, true)) retain();
    });
    if (added == Added::first) wake();
    if (held) release();
    return added != Added::no;
  }
  /// Puts what has come behind what is left.
  void take(std::uintptr_t head) noexcept {
    Message* newest = message_of(head);
    if (!newest) return;
    Message** const last = last_;
    last_ = &newest->next;
    Message* oldest = nullptr;
    while (newest) {
      Message* const next = std::exchange(newest->next, oldest);
      oldest = std::exchange(newest, next);
    }
    *last = oldest;
  }
  void run(std::size_t most, bool alive) noexcept {
    DroppedBlocks dropped;
    for (; more_ && most > 0; --most) {
      Message& oldest = *more_;
      more_ = oldest.next;
      if (!more_) last_ = &more_;
      oldest.run(oldest, alive, dropped);
    }
  }

  // What each push touches has a cache line of its own:
  alignas(64) Atomic<std::uintptr_t> head_{0};
  Atomic<bool> called_{false};  // from another thread; set once
  // The rest:
  alignas(64) std::uintptr_t mask_ = 0;  // the reactor's own copy of the bit, which only it changes
  Message* more_ = nullptr;              // taken, to be run; oldest first
  Message** last_ = &more_;              // where the next one is linked in
  Atomic<std::uint32_t> refs_{1};
  Atomic<std::uint32_t> callers_{0};
  Atomic<bool> stopping_{false};
  Home home_;
  Mutex mutex_;
  Backend* backend_;  // under mutex_; null once closed
};

struct ReleaseInbox {
  void operator()(Inbox* inbox) const noexcept { inbox->release(); }
};

}  // namespace deferred::detail
