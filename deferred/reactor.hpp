// SPDX-License-Identifier: MIT
//
// Reactor: the loop. It owns the microthreads, their ready queue, the timers, the fd watches and
// the inbox of other threads, and takes turns when its backend says so. Knows no backend by name.
// Next: yield_to.hpp (what a task can wait for), spawn.hpp (starting one).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "deferred/backend.hpp"
#include "deferred/deferred.hpp"
#include "deferred/delayed_call.hpp"
#include "deferred/detail/atomic.hpp"
#include "deferred/detail/inbox.hpp"
#include "deferred/detail/remote_end.hpp"
#include "deferred/detail/runnable.hpp"
#include "deferred/registry.hpp"
#include "deferred/timer_heap.hpp"
#include "deferred/watch.hpp"

namespace deferred {

template <class T>
class Task;

namespace detail {
struct Microthread;
struct ReactorAccess;
}  // namespace detail

/// An event loop for one thread, on any backend. All of it is used from the thread that made it,
/// but for call_from_thread(), stop() and what the remote ends (RemoteWaiter, Reply) do.
///
/// A turn does, in this order: (1) the posts of other threads; (2) the timers that are due, all
/// collected before the first is called; (3) the ready queue, in rounds, each of them the queue as
/// it stood, until it is empty or 64 rounds have run; then (4) the backend waits for I/O and
/// reports it. What is set in a turn for "now" (timers, Pause{}) waits for the next turn.
///
/// What a callback throws is reported to the unhandled-failure hook; the reactor goes on.
///
/// At its end it closes all its microthreads and drops timers, watches and posts. Their handles,
/// and Deferreds and Waiters that outlive it, do nothing from then on.
/// REQUIRES: not destroyed inside its own turn.
class Reactor final : private Turn {
 public:
  /// On poll(2): no dependency.
  Reactor();
  /// On a backend of its own: `Reactor reactor{reactors::uv()};`
  explicit Reactor(std::unique_ptr<Backend> backend);
  /// On a backend that outlives it: `reactors::VirtualTime time; Reactor reactor{time};`
  explicit Reactor(Backend& backend);
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  /// Takes turns until stop(). Can be called again afterwards; inside itself, and inside any turn,
  /// it throws ReactorStateError, as the two below do.
  void run();
  /// Spawns `main` and runs until it is done. A Task<int>'s value is the exit code; a failure is
  /// reported with its trace and gives 1. If stop() ends the run before, 0; `main` then stays as it
  /// is and goes on with the next run. Needs spawn.hpp. (Twisted: task.react)
  template <class T>
  int run(Task<T> main);
  /// Runs until the Deferred has its result, and returns it or throws its failure.
  template <class T>
  T run_until(Deferred<T> deferred);
  /// Makes run() return after the present turn; from any thread. If it is not running, it returns
  /// from the next run() at once.
  void stop() noexcept;
  bool running() const noexcept { return running_; }

  /// The time at which the present turn began: the clock is read once a turn. Outside of a turn,
  /// the time.
  TimePoint now() noexcept {
    if (!now_is_known_) read_clock();
    return now_;
  }

  /// Calls `f()` after `delay`, not before the next turn. Dropping the DelayedCall cancels it;
  /// `.detach()` lets it be. Equal deadlines are called in the order they were set. (Twisted:
  /// callLater)
  template <class F>
  DelayedCall call_later(Duration delay, F f);
  template <class F>
  DelayedCall call_at(TimePoint deadline, F f);

  /// Calls `f()` in the next round of the ready queue.
  template <class F>
  void post(F f);
  /// Calls `f()` on the reactor's thread in its next turn, exactly once; from any thread. The calls
  /// of one thread keep their order. False, without a call, once the reactor is being destroyed.
  /// (Twisted: callFromThread)
  template <class F>
  bool call_from_thread(F f);

  /// Calls `f()` or `f(Ready)` whenever `fd` is ready for `interest`, once a turn while it stays
  /// ready, until the Watch is dropped. An error or hang-up counts as ready: the system call will
  /// tell. Any number of watches an fd. Throws std::system_error if it cannot be watched.
  template <class F>
  Watch watch(int fd, Ready interest, F f);

  Registry& registry() noexcept { return registry_; }
  Backend& backend() noexcept { return *backend_; }

  /// A line for each microthread: what it waits on, where, and who called it.
  std::string dump_tasks() const;
  /// How many microthreads are live.
  std::size_t task_count() const noexcept { return task_count_; }
  /// How many timers are set.
  std::size_t timer_count() const noexcept { return timers_.size(); }

 private:
  friend struct detail::ReactorAccess;
  static constexpr int most_rounds = 64;

  void turn() noexcept override;
  /// Throws ReactorStateError in a turn, or in run(): `what` cannot be called there.
  void require_not_running(const char* what) const;
  void read_clock() noexcept;
  void fire_due_timers() noexcept;
  void arm_next() noexcept;
  /// Something became ready outside of a turn: asks the backend for one.
  void want_turn() noexcept {
    if (!awake_) ask_for_turn();
  }
  void ask_for_turn() noexcept;
  DelayedCall add_timer(TimePoint deadline, detail::TimerNode* node);
  Watch add_watch(int fd, Ready interest, detail::WatchNode* node);

  std::unique_ptr<Backend> owned_backend_;
  Backend* backend_;
  detail::Inbox* inbox_;  // counted
  detail::RunQueue ready_;
  detail::RunQueue next_turn_;
  bool awake_ = false;   // in a turn, or one is armed for as soon as possible
  bool ending_ = false;  // in its destructor
  bool running_ = false;
  bool now_is_known_ = false;
  bool in_turn_ = false;
  detail::Atomic<bool> stopping_{false};
  TimePoint now_{};
  TimePoint armed_ = TimePoint::max();
  TimerHeap timers_;
  std::vector<detail::TimerNode*> due_;
  Registry registry_;
  detail::Microthread* tasks_ = nullptr;  // all live ones
  std::size_t task_count_ = 0;
  std::uint64_t last_task_id_ = 0;
  detail::RemoteEnd* remote_ends_ = nullptr;           // all outstanding ones
  std::vector<std::unique_ptr<detail::FdEntry>> fds_;  // by fd
  Reactor* next_on_thread_ = nullptr;
};

}  // namespace deferred

#include "deferred/detail/reactor_bodies.hpp"
