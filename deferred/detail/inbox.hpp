// SPDX-License-Identifier: MIT
//
// Inbox: how other threads reach a reactor. Pushing is lock-free; only the first push into an empty
// inbox wakes the backend, under a mutex that close() takes, so that no backend is woken after its
// end. Counted: remote ends keep it alive after the reactor.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <utility>

#include "deferred/backend.hpp"
#include "deferred/detail/atomic.hpp"

namespace deferred::detail {

/// One message. Allocated by the sender; `run` consumes it on the reactor's thread, or, if `alive`
/// is false, disposes of it.
struct Message {
  Message* next = nullptr;
  void (*run)(Message& self, bool alive) noexcept = nullptr;
};

class Inbox {
 public:
  explicit Inbox(Backend& backend) noexcept : backend_(&backend) {}

  void retain() noexcept { refs_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  bool empty() const noexcept { return head_.load(std::memory_order_relaxed) == nullptr; }

  /// From any thread. False if the reactor is gone: the message is still the caller's.
  bool push(Message& message) noexcept {
    retain();  // the message may make the reactor end before the wake-up is done
    const bool taken = add(message);
    release();
    return taken;
  }
  /// From any thread: asks for a turn, unless the reactor is gone.
  void wake() noexcept {
    const std::lock_guard lock(mutex_);
    if (backend_) backend_->wake();
  }

  /// On the reactor's thread: runs all messages, oldest first.
  void drain() noexcept {
    if (!empty()) run_all(head_.exchange(nullptr, std::memory_order_acquire), true);
  }
  /// Nothing comes in any more; what is there is disposed of.
  void close() noexcept {
    {
      const std::lock_guard lock(mutex_);
      backend_ = nullptr;
    }
    Message* const last = head_.exchange(closed(), std::memory_order_acquire);
    if (last != closed()) run_all(last, false);
  }

 private:
  ~Inbox() = default;
  bool add(Message& message) noexcept {
    Message* head = head_.load(std::memory_order_relaxed);
    do {
      if (head == closed()) return false;
      message.next = head;
    } while (!head_.compare_exchange_weak(head, &message, std::memory_order_release,
                                          std::memory_order_relaxed));
    if (head == nullptr) wake();
    return true;
  }
  static Message* closed() noexcept { return &closed_mark_; }
  static void run_all(Message* newest, bool alive) noexcept {
    Message* oldest = nullptr;
    while (newest) {
      Message* const next = std::exchange(newest->next, oldest);
      oldest = std::exchange(newest, next);
    }
    while (oldest) {
      Message* const next = oldest->next;
      oldest->run(*oldest, alive);
      oldest = next;
    }
  }

  static inline Message closed_mark_;

  Atomic<Message*> head_{nullptr};  // newest first; closed() after the end
  Atomic<std::uint32_t> refs_{1};
  Mutex mutex_;
  Backend* backend_;  // under mutex_; null once closed
};

}  // namespace deferred::detail
