// SPDX-License-Identifier: MIT
//
// The bodies of reactor.hpp's templates, and the machinery's door to a reactor.
#pragma once

#include <optional>

#include "deferred/reactor/detail/microthread.hpp"
#include "deferred/reactor/reactor.hpp"

namespace deferred {

namespace detail {

/// The reactor that is in run() or in a turn on this thread, the innermost of them.
extern constinit thread_local Reactor* running_on_thread;

struct ReactorAccess {
  static void require_home(const Reactor& reactor, const char* what) noexcept {
    reactor.require_home(what);
  }
  static void ready(Reactor& reactor, Runnable& item) noexcept {
    reactor.require_home("resuming a task or post()");
    reactor.ready_.push(item);
    reactor.want_turn();
  }
  static void next_turn(Reactor& reactor, Runnable& item) noexcept {
    reactor.require_home("spawn() or schedule()");
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
  static void count_watched(Reactor& reactor, int more) noexcept {
    reactor.watched_fds_ += static_cast<std::size_t>(more);
  }
  /// While it lives, a callback of a watch runs.
  class InWatch {
   public:
    explicit InWatch(Reactor& reactor) noexcept : reactor_(reactor), before_(running_on_thread) {
      ++reactor.in_watch_;
      if (before_ != &reactor) [[unlikely]]
        running_on_thread = &reactor;
    }
    InWatch(const InWatch&) = delete;
    InWatch& operator=(const InWatch&) = delete;
    ~InWatch() {
      --reactor_.in_watch_;
      if (before_ != &reactor_) [[unlikely]]
        running_on_thread = before_;
    }

   private:
    Reactor& reactor_;
    Reactor* const before_;
  };
  static void remove_signal(Reactor& reactor, SignalNode& node) noexcept;
  /// To the reactor's error hook.
  static void report(Reactor& reactor, const Failure& failure, const char* by) noexcept;
  static DelayedCall handle(TimerNode* node) noexcept { return DelayedCall(node); }
  static Watch handle(WatchNode* node) noexcept { return Watch(node); }
};

inline bool Microthread::has_run_time_handlers() const noexcept {
  return reactor && !reactor->registry().empty();
}
inline void Microthread::answered_outside() noexcept {
  expire();
  set(queued);
  ReactorAccess::ready(*reactor, *this);
}

/// A shell's way to say that a signal ended a program.
constexpr int exit_code_of(int signal) noexcept { return 128 + signal; }

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
struct SignalNodeOf final : SignalNode {
  static_assert(ordinary_alignment<F>, "on_signal: the callable is over-aligned");
  SignalNodeOf(Inbox& inbox, int number, F&& moved)
      : SignalNode(inbox, number), f(std::move(moved)) {}
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

template <class F>
constexpr bool gives_nothing_or_deferred() {
  if constexpr (!std::is_invocable_v<F&>) {
    return false;
  } else {
    using R = std::invoke_result_t<F&>;
    return std::is_void_v<R> || std::is_convertible_v<R, Deferred<void>>;
  }
}
template <class F>
inline constexpr bool is_trigger = gives_nothing_or_deferred<F>();

template <class F>
struct TriggerNodeOf final : TriggerNode {
  TriggerNodeOf(Phase of, F&& moved) : TriggerNode(of), f(std::move(moved)) {}
  Deferred<void> call() override {
    if constexpr (!is_trigger<F>) {
      return succeed();  // at_shutdown() has said what is wrong
    } else if constexpr (std::is_void_v<std::invoke_result_t<F&>>) {
      (*f)();
      return succeed();
    } else {
      return (*f)();
    }
  }
  void drop_callable() noexcept override { f.reset(); }
  std::optional<F> f;
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
Watch Reactor::watch(int fd, Ready interest, F f) {
  static_assert(std::is_invocable_v<F&> || std::is_invocable_v<F&, Ready>,
                "watch: the callable takes nothing or a Ready");
  return add_watch(fd, interest, new detail::WatchNodeOf<F>(std::move(f)));
}

template <class F>
SignalWatch Reactor::on_signal(int signal, F f) {
  static_assert(std::is_invocable_v<F&> || std::is_invocable_v<F&, int>,
                "on_signal: the callable takes nothing or the signal's number");
  return add_signal(new detail::SignalNodeOf<F>(*inbox_, signal, std::move(f)));
}

template <class F>
void Reactor::call_when_running(F f) {
  static_assert(std::is_invocable_v<F&>, "call_when_running: the callable takes no argument");
  if (!running_ && !in_turn_ && !in_watch_) return post(std::move(f));
  require_home("call_when_running()");
  try {
    f();
  } catch (...) {
    detail::ReactorAccess::report(*this, Failure::current(), "a callback of call_when_running");
  }
}

template <class F>
ShutdownTrigger Reactor::at_shutdown(Phase phase, F f) {
  static_assert(detail::is_trigger<F>,
                "at_shutdown: the callable takes no argument, and gives nothing or a "
                "Deferred<void>; a coroutine has to return Deferred<void>");
  require_home("at_shutdown()");
  std::erase_if(triggers_, [](const auto& node) { return !node->set; });
  triggers_.push_back(std::make_shared<detail::TriggerNodeOf<F>>(phase, std::move(f)));
  return ShutdownTrigger(triggers_.back());
}

template <class T>
T Reactor::run_until(Deferred<T> deferred) {
  require_not_running("run_until()");
  // Shared, for a result may still come when this call has ended without it.
  struct End {
    bool come = false;
    std::optional<Outcome<T>> result;
  };
  const auto end = std::make_shared<End>();
  Deferred<void> done =
      std::move(deferred).add_both([this, weak = std::weak_ptr(end)](Outcome<T> result) {
        const auto waiting = weak.lock();
        if (!waiting) return;
        waiting->result.emplace(std::move(result));
        waiting->come = true;
        want_turn();  // it may come out of turn, in somebody else's loop
      });
  if (!end->come) run_until_true(end->come, "the Deferred that run_until() was given");
  if (!end->come) {
    std::move(done).abandon();
    throw ReactorStateError("run_until: the reactor was stopped before the Deferred had a result");
  }
  return std::move(*end->result).value();
}

}  // namespace deferred
