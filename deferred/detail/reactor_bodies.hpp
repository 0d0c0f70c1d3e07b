// SPDX-License-Identifier: MIT
//
// The bodies of reactor.hpp's templates, and the machinery's door to a reactor.
#pragma once

#include <optional>

#include "deferred/detail/microthread.hpp"
#include "deferred/reactor.hpp"

namespace deferred {

namespace detail {

struct ReactorAccess {
  static void ready(Reactor& reactor, Runnable& item) noexcept {
    reactor.ready_.push(item);
    reactor.want_turn();
  }
  static void next_turn(Reactor& reactor, Runnable& item) noexcept {
    reactor.next_turn_.push(item);
    reactor.want_turn();
  }
  static void adopt(Reactor& reactor, Microthread& m) noexcept;
  static void disown(Reactor& reactor, Microthread& m) noexcept;
  static void add_remote(Reactor& reactor, RemoteEnd& end) noexcept;
  static void remove_remote(Reactor& reactor, RemoteEnd& end) noexcept;
  static Inbox& inbox(Reactor& reactor) noexcept { return *reactor.inbox_; }
  /// It is being destroyed.
  static bool ending(const Reactor& reactor) noexcept { return reactor.ending_; }
  /// Where a coroutine that was given no reactor belongs: the running microthread's, the thread's
  /// running one, or its only one. Null if there is none.
  static Reactor* find() noexcept;

  /// REQUIRES: the node is active, and somebody holds it.
  static void cancel(Reactor& reactor, TimerNode& node) noexcept;
  static void set(Reactor& reactor, TimerNode& node, TimePoint deadline);
  static TimePoint time(const Reactor& reactor, const TimerNode& node) noexcept;
  /// REQUIRES: fd is watched, or has been.
  static FdEntry& entry(Reactor& reactor, int fd) noexcept;
  static DelayedCall handle(TimerNode* node) noexcept { return DelayedCall(node); }
  static Watch handle(WatchNode* node) noexcept { return Watch(node); }
};

inline void Microthread::answered() noexcept {
  if (handling) {
    if (waiters != 0) expire();
    return;
  }
  expire();
  set(queued);
  ReactorAccess::ready(*reactor, *this);
}

/// Reports what a callback threw, to the unhandled-failure hook.
void report_thrown(const char* by) noexcept;

/// The nodes come from memory for ordinary alignments.
template <class F>
inline constexpr bool ordinary_alignment = alignof(F) <= alignof(std::max_align_t);

template <class F>
struct TimerNodeOf final : TimerNode {
  static_assert(ordinary_alignment<F>, "call_later: the callable is over-aligned");
  explicit TimerNodeOf(F&& moved) : f(std::move(moved)) {}
  void call() override {
    (*f)();
    f.reset();
  }
  void drop_callable() noexcept override { f.reset(); }
  std::optional<F> f;
};

template <class F>
struct WatchNodeOf final : WatchNode {
  static_assert(ordinary_alignment<F>, "watch: the callable is over-aligned");
  explicit WatchNodeOf(F&& moved) : f(std::move(moved)) {}
  void call(Ready what) override {
    if constexpr (std::is_invocable_v<F&, Ready>) {
      (*f)(what);
    } else {
      (*f)();
    }
  }
  void drop_callable() noexcept override { f.reset(); }
  std::optional<F> f;
};

template <class F>
struct Post final : Runnable, Recycled {
  static_assert(ordinary_alignment<F>, "post: the callable is over-aligned");
  explicit Post(F&& moved) : f(std::move(moved)) {
    run = [](Runnable& self, bool alive) noexcept {
      const std::unique_ptr<Post> post(&static_cast<Post&>(self));
      if (!alive) return;
      try {
        post->f();
      } catch (...) {
        report_thrown("a posted callback");
      }
    };
  }
  F f;
};

template <class F>
struct RemotePost final : Message {
  explicit RemotePost(F&& moved) : f(std::move(moved)) {
    run = [](Message& self, bool alive) noexcept {
      const std::unique_ptr<RemotePost> post(&static_cast<RemotePost&>(self));
      if (!alive) return;
      try {
        post->f();
      } catch (...) {
        report_thrown("a callback posted from a thread");
      }
    };
  }
  F f;
};

}  // namespace detail

template <class F>
DelayedCall Reactor::call_at(TimePoint deadline, F f) {
  static_assert(std::is_invocable_v<F&>, "call_at: the callable takes no argument");
  return add_timer(deadline, new detail::TimerNodeOf<F>(std::move(f)));
}

template <class F>
DelayedCall Reactor::call_later(Duration delay, F f) {
  return call_at(later(now(), delay), std::move(f));
}

template <class F>
void Reactor::post(F f) {
  static_assert(std::is_invocable_v<F&>, "post: the callable takes no argument");
  detail::ReactorAccess::ready(*this, *new detail::Post<F>(std::move(f)));
}

template <class F>
bool Reactor::call_from_thread(F f) {
  static_assert(std::is_invocable_v<F&>, "call_from_thread: the callable takes no argument");
  auto message = std::make_unique<detail::RemotePost<F>>(std::move(f));
  if (!inbox_->push(*message)) return false;
  message.release();
  return true;
}

template <class F>
Watch Reactor::watch(int fd, Ready interest, F f) {
  static_assert(std::is_invocable_v<F&> || std::is_invocable_v<F&, Ready>,
                "watch: the callable takes nothing or a Ready");
  return add_watch(fd, interest, new detail::WatchNodeOf<F>(std::move(f)));
}

template <class T>
T Reactor::run_until(Deferred<T> deferred) {
  require_not_running("run_until()");
  // Shared, for a result may still come when this call has ended without it.
  const auto ended = std::make_shared<std::optional<Outcome<T>>>();
  Deferred<void> done =
      std::move(deferred).add_both([this, weak = std::weak_ptr(ended)](Outcome<T> result) {
        const auto waiting = weak.lock();
        if (!waiting) return;
        waiting->emplace(std::move(result));
        if (running_) stop();
      });
  if (!*ended) run();
  if (!*ended) {
    std::move(done).abandon();
    throw ReactorStateError("run_until: the reactor was stopped before the Deferred had a result");
  }
  return std::move(**ended).value();
}

}  // namespace deferred
