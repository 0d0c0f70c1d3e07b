// SPDX-License-Identifier: MIT
//
// ReactorAccess: what the machinery may do with a Reactor that its users may not. Part of
// reactor.hpp: include that.
#pragma once

#include <cstddef>

#include "deferred/memory/api.hpp"
#include "deferred/reactor/reactor.hpp"

namespace deferred::detail {

struct Family;
struct Microthread;

struct ReactorAccess {
  static void require_home(const Reactor& reactor, const char* what) noexcept {
    reactor.require_home(what);
  }
  /// This is the child of a fork().
  static bool is_dead(const Reactor& reactor) noexcept { return reactor.dead_; }
  /// For a task that runs: it is on the reactor's thread.
  static Registry& registry(Reactor& reactor) noexcept { return reactor.registry_; }
  // The two below are what programs do most: where nothing is to be checked, nothing is asked.
  static void make_ready(Reactor& reactor, Runnable& item) noexcept {
    if constexpr (thread_checks == ThreadChecks::on) {
      reactor.require_home("resuming a task or post()");
    }
    reactor.ready_.push(item);
    reactor.want_turn();
  }
  static void next_turn(Reactor& reactor, Runnable& item) noexcept {
    if constexpr (thread_checks == ThreadChecks::on) reactor.require_home("spawn() or schedule()");
    reactor.next_turn_.push(item);
    reactor.want_turn();
  }
  /// Among those of the process, which die in the child of a fork(). (fork.cpp)
  static void enlist(Reactor& reactor);
  static void delist(Reactor& reactor) noexcept;
  /// In the child. Gives the next one of the process.
  static Reactor* die(Reactor& reactor) noexcept;
  /// One that begins, in a family or not. One whose family is cancelled is so, too.
  DEFERRED_API static void adopt(Reactor& reactor, Microthread& m) noexcept;
  DEFERRED_API static void adopt(Family& family, Microthread& m) noexcept;
  static void disown(Reactor& reactor, Microthread& m) noexcept;
  static void disown(Reactor& reactor, Family& family, Microthread& m) noexcept;
  static void number(Reactor& reactor, Microthread& m) noexcept;
  static void forget(Reactor& reactor, Microthread& m) noexcept;
  static Tracer* tracer(const Reactor& reactor) noexcept { return reactor.tracer_; }
  [[gnu::noinline, gnu::cold]] static void trace_begin(Reactor& reactor, Microthread& m) noexcept;
  /// Out of its family's list, into the reactor's.
  static void orphan(Reactor& reactor, Microthread& m) noexcept;
  /// A family on no stack: the reactor closes its children at its end.
  static void add_loose(Reactor& reactor, Family& family) noexcept;
  static void remove_loose(Family& family) noexcept;
  /// One that is done and has failed, and whose Spawned is kept: for dumps, until it is asked.
  DEFERRED_API static void keep_failed(Reactor& reactor, Microthread& m) noexcept;
  DEFERRED_API static void forget_failed(Microthread& m) noexcept;
  DEFERRED_API static void add_remote(Reactor& reactor, RemoteEnd& end) noexcept;
  DEFERRED_API static void remove_remote(Reactor& reactor, RemoteEnd& end) noexcept;
  static Inbox& inbox(Reactor& reactor) noexcept { return *reactor.inbox_; }
  /// It is being destroyed.
  static bool ending(const Reactor& reactor) noexcept { return reactor.ending_; }
  /// Where a coroutine that was given no reactor belongs: the running microthread's, the thread's
  /// running one, or its only one. Null if there is none.
  DEFERRED_API static Reactor* find() noexcept;
  /// The registries of this thread's reactors forget the types they have met.
  DEFERRED_API static void forget_types() noexcept;

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
  DEFERRED_API static void report(Reactor& reactor, const Failure& failure,
                                  const char* by) noexcept;
  static DelayedCall handle(TimerNode* node) noexcept { return DelayedCall(node); }
  static Watch handle(WatchNode* node) noexcept { return Watch(node); }
};

/// Does so at the end of the program, library or plug-in that has it. Hidden, so that each has one
/// of its own.
struct ForgetTypesAtUnload {
  ~ForgetTypesAtUnload() { ReactorAccess::forget_types(); }
};
[[gnu::visibility("hidden")]] inline const ForgetTypesAtUnload forget_types_at_unload{};

}  // namespace deferred::detail
