// SPDX-License-Identifier: MIT
//
// Reactor: the loop. It owns the microthreads, their ready queue, the timers, the fd watches and
// the inbox of other threads, and takes turns when its backend says so. Knows no backend by name.
// Next: yieldable.hpp (what a task can wait for), tasks/spawn.hpp (starting one).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "deferred/memory/api.hpp"
#include "deferred/reactor/backend.hpp"
#include "deferred/reactor/delayed_call.hpp"
#include "deferred/reactor/detail/inbox.hpp"
#include "deferred/reactor/detail/reactor_state.hpp"
#include "deferred/reactor/registry.hpp"
#include "deferred/reactor/remote_reactor.hpp"
#include "deferred/reactor/round_order.hpp"
#include "deferred/reactor/shutdown_trigger.hpp"
#include "deferred/reactor/signal_watch.hpp"
#include "deferred/reactor/task_info.hpp"
#include "deferred/reactor/watch.hpp"
#include "deferred/results/deferred.hpp"

namespace deferred {

template <class T>
class Task;
class TaskRef;
class Tracer;

namespace detail {
struct GdbLayout;
struct MainEnd;
struct ReactorAccess;
}  // namespace detail

/// An event loop for one thread, on any backend. All of it is used from the thread that made it,
/// but for call_from_thread(), remote(), stop() and what the remote ends (RemoteReactor,
/// RemoteWaiter, Reply) do. Made where NDEBUG is not defined, it ends the program otherwise.
///
/// A turn does, in this order: (1) the posts of other threads and the signals as they stood, at
/// most 1,024 of them; (2) the timers that were due when it began; (3) the ready queue as it stood,
/// and then what has become ready meanwhile, until that is done or 256 of it have run; then (4) the
/// backend waits for I/O and reports it. What is set in a turn for "now" (timers, Pause{}) waits
/// for the next turn, and so does the rest of a task after 1,024 awaits without a wait. So timers
/// and I/O wait for what there was when the turn began and little more, never for what comes anew.
///
/// What a callback throws goes to the error hook; the reactor goes on.
///
/// It belongs to the process that made it. In the child of a fork() it is dead: its descriptors are
/// not the parent's any more, its signals do there what they did before, run() throws
/// ReactorStateError, calls of threads are refused, nothing is called. It may be destroyed there,
/// or not. A child that was forked in one of its callbacks or tasks should exec or _exit: what is
/// ready for the same round goes on when control comes back. Listen first, fork, and then make
/// reactors.
///
/// At its end it closes all its microthreads, drops timers, watches and posts, and then destroys
/// its services. Handles, and Deferreds and Waiters that outlive it, do nothing from then on.
/// REQUIRES: not destroyed inside its own turn.
class DEFERRED_API Reactor final : private Turn, private detail::ReactorState {
 public:
  /// On poll(2): no dependency.
  Reactor(detail::ThreadChecks checks = detail::thread_checks);
  /// On a backend of its own: `Reactor reactor{reactors::uv()};`
  explicit Reactor(std::unique_ptr<Backend> backend,
                   detail::ThreadChecks checks = detail::thread_checks);
  /// On a backend that outlives it: `reactors::VirtualTime time; Reactor reactor{time};`
  explicit Reactor(Backend& backend, detail::ThreadChecks checks = detail::thread_checks);
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  /// Takes turns until stop(), then calls the shutdown triggers. Can be called again afterwards;
  /// inside itself, and inside any turn, it throws ReactorStateError, as the two below do.
  ///
  /// If it would wait, microthreads are live, and nothing can wake them - no timer, no watched
  /// descriptor or signal, nobody in another thread who holds a remote end or has called before -
  /// it says so once to the error hook, with a StuckError that names each and where it waits, and
  /// waits on. Not in a loop that is shared with others.
  ///
  /// What the backend throws comes out of here; then no trigger is called, a stop() is kept, and
  /// the calls of other threads are still taken, for the next run.
  void run();
  /// Spawns `main` and runs until it is done. A Task<int>'s value is the exit code; a failure goes
  /// to the error hook, which prints it with its trace, and gives 1; Cancelled says nothing. If
  /// stop() ends the run before, 0; `main` then stays as it is and goes on with the next run.
  /// (Twisted: task.react)
  ///
  /// On the first thread of the process, SIGINT and SIGTERM, where nobody else handles them, cancel
  /// `main`, unless somebody watches for them - on_signal(), a Signal - when they come. If it ends
  /// as Cancelled then, the exit code is 128 + the signal's number, as in a shell. The second such
  /// signal, or one that comes when `main` has ended, ends the run as crash() does, with that code.
  template <class T>
  int run(Task<T> main);
  /// The same for a Deferred, or a Spawned; what cancels it is its cancel().
  template <Deferrable D>
  int run(D main);
  /// Runs until the Deferred has its result, and returns it or throws its failure. Calls no
  /// shutdown triggers, unless stop() ends it: ReactorStateError.
  template <class T>
  T run_until(Deferred<T> deferred);
  /// The same for a task, a Spawned or any other yieldable: it is awaited in a microthread, which
  /// is closed if stop() ends the run before.
  template <class Y>
  auto run_until(Y&& x);
  /// Makes run() return after the present turn; from any thread. What the shutdown triggers make
  /// ready still runs, once. If it is not running, the next run() returns at once. During the
  /// shutdown it does nothing.
  void stop() noexcept { inbox_->stop(); }
  /// Makes run() return after the present turn, without shutdown triggers, or without waiting for
  /// those that it waits for. Does nothing if it is not running. (Twisted: crash)
  void crash() noexcept;
  bool running() const noexcept { return running_; }
  /// The reactor of the running microthread; else the one that runs or takes a turn on this thread;
  /// else the thread's only one. Throws NoReactorError if there is none, or more than one.
  static Reactor& current();

  /// Calls `f()` at once if it is running or in a turn, else in the first turn, behind what was
  /// posted before. (Twisted: callWhenRunning)
  template <class F>
  void call_when_running(F f);
  /// Calls `f()` once, when run() ends by stop(): first all triggers of Phase::before, then
  /// `during`, then `after`, each in the order they were set. Turns go on until the Deferreds that
  /// those of `before` return have results. A failure of any goes to the error hook, as does what
  /// is thrown, and the other triggers are called. A callable lives until its Deferred has a
  /// result: it may be a coroutine. (Twisted: addSystemEventTrigger)
  template <class F>
  ShutdownTrigger at_shutdown(Phase phase, F f);
  /// Takes what callbacks throw, instead of the process-wide unhandled-failure hook; an empty one
  /// gives it back to that. Not called while the reactor is being destroyed.
  void set_error_hook(ErrorHook hook) {
    require_home("set_error_hook()");
    error_hook_ = std::move(hook);
  }

  /// How many items of the ready queue a turn runs beyond those that stood there when it began:
  /// 256. 0: timers and I/O have their turn after each round. (tokio: event_interval)
  void set_event_interval(int items) noexcept { event_interval_ = items; }
  /// From the next round on `order` says in which order what stands ready in one runs; none: it is
  /// that in which it became ready. For tests. (testing/shuffle_ready_tasks.hpp)
  void order_rounds(std::unique_ptr<RoundOrder> order) noexcept;

  /// The time at which the present turn began: the clock is read once a turn. Outside of a turn,
  /// the time.
  TimePoint now() noexcept {
    if (!now_is_known_) read_clock();
    return now_;
  }

  /// Calls `f()` after `delay`, not before the next turn; a negative one is none. Dropping the
  /// DelayedCall cancels it; `.detach()` lets it be. Equal deadlines are called in the order they
  /// were set. (Twisted: callLater)
  template <class F>
  DelayedCall call_later(AnyDuration delay, F f);
  template <class F>
  DelayedCall call_at(TimePoint deadline, F f);

  /// Calls `f()` in the next round of the ready queue.
  template <class F>
  void post(F f);
  /// Calls `f()` or `f(Reactor&)` on the reactor's thread in its next turn, exactly once; from any
  /// thread. The calls of one thread keep their order. False, without a call, from the end of a
  /// run() that was stopped until the next one begins: all that were accepted have been called when
  /// it returns. If the reactor is destroyed before its next turn, `f` is destroyed uncalled. The
  /// caller must know that the reactor lives; a RemoteReactor need not. (Twisted: callFromThread)
  template <class F>
  bool call_from_thread(F f) {
    return detail::call_from_thread(*inbox_, std::move(f));
  }
  /// The reactor as other threads may hold it; from any thread.
  RemoteReactor remote() const noexcept { return RemoteReactor(*inbox_); }

  /// Calls `f()` or `f(Ready)` whenever `fd` is ready for `interest`, once a turn while it stays
  /// ready, until the Watch is dropped. An error or hang-up counts as ready: the system call will
  /// tell. Any number of watches an fd. Throws std::system_error if it cannot be watched.
  template <class F>
  Watch watch(int fd, Ready interest, F f);
  /// Calls `f()` or `f(int signal)` in a turn after the process got `signal`, until the SignalWatch
  /// is dropped. What comes before the call is done counts as one. While somebody watches, the
  /// signal does nothing else; afterwards it does what it did before. Each of any number of
  /// watches, in any reactors, is called. Throws std::system_error for a signal that cannot be
  /// caught.
  template <class F>
  SignalWatch on_signal(int signal, F f);

  /// The one T of this reactor: made as `T(Reactor&)` by the first use, destroyed when the reactor
  /// is, the newest first, when all else that it has is closed and dropped: so it may hold watches,
  /// timers and threads. It may use others in its constructor and destructor; what the destructors
  /// make that was not there is destroyed too. Throws what the constructor throws, and the next use
  /// tries again; and ReactorStateError for one whose constructor needs itself, for one that the
  /// reactor's end has destroyed, and in the child of a fork(), where what there is is left as it
  /// is. REQUIRES: the plug-in that first uses it stays as long as the reactor.
  template <class T>
  T& service();
  /// The same if it is there now, and null if not: it makes none.
  template <class T>
  T* find_service() noexcept;

  Registry& registry() noexcept {
    require_home("registry()");
    return registry_;
  }
  Backend& backend() noexcept { return *backend_; }

  /// Its microthreads as data, parents before their children.
  std::vector<TaskInfo> tasks() const;
  /// The same as handles, to cancel some of them, or close them.
  std::vector<TaskRef> task_refs() const;
  /// As text. Dump::tree: a line a microthread: what it waits on, where, and who called it; its
  /// children and, as of all() or race(), the branches of its wait below it.
  std::string dump_tasks(Dump how = Dump::tree) const;
  /// Tells `tracer` what happens from now on; null: nobody. Gives the one before. Where there was
  /// none, it may throw std::bad_alloc, and then has changed nothing. REQUIRES: it lives until it
  /// is replaced, or the reactor is gone.
  Tracer* trace(Tracer* tracer);
  /// Live microthreads.
  std::size_t task_count() const noexcept { return task_count_; }
  /// Timers that are set.
  std::size_t timer_count() const noexcept { return timers_.size(); }
  /// Descriptors that are watched.
  std::size_t watch_count() const noexcept { return watched_fds_; }
  /// There is something to run: posts, microthreads that can go on, calls of other threads.
  bool busy() const noexcept { return !ready_.empty() || !next_turn_.empty() || !inbox_->empty(); }

 private:
  friend struct detail::GdbLayout;
  friend struct detail::ReactorAccess;
  static constexpr std::size_t most_messages = 1024;  // of the inbox, a turn

  class InTurn;
  using InboxHold = std::unique_ptr<detail::Inbox, detail::ReleaseInbox>;

  [[gnu::visibility("hidden")]] Reactor(Backend& backend, detail::ThreadChecks checks,
                                        InboxHold&& inbox);
  [[gnu::visibility("hidden")]] void turn() noexcept override;
  /// If it is to be checked: ends the program on another thread than its own.
  void require_home(const char* what) const noexcept {
    if (checks_ == detail::ThreadChecks::on) [[unlikely]]
      require_here(what);
  }
  void require_here(const char* what) const noexcept;
  /// Throws ReactorStateError in a turn, or in run(): `what` cannot be called there.
  void require_not_running(const char* what) const;
  [[noreturn]] [[gnu::visibility("hidden")]] static void throw_dead(const char* what);
  /// Takes turns until stop() or crash(), and then shuts down; or until `done`, and does not.
  /// `what` is waited for, if anything is.
  void run_until_true(const bool& done, const char* what);
  [[gnu::visibility("hidden")]] void take_turn(const char* waits_for);
  [[gnu::visibility("hidden")]] void shut_down();
  [[gnu::visibility("hidden")]] void call_triggers(Phase phase) noexcept;
  /// At the end of the reactor.
  [[gnu::visibility("hidden")]] void close_or_leave(detail::Microthread& m);
  /// Refuses calls of other threads from now on, and runs those that were taken.
  [[gnu::visibility("hidden")]] void take_last_calls() noexcept;
  /// Runs what is ready, and nothing else.
  [[gnu::visibility("hidden")]] void take_last_round() noexcept;
  [[gnu::visibility("hidden")]] void report_if_stuck(const char* waits_for) noexcept;
  void read_clock() noexcept;
  /// Those that are due at not_before_, and were set when there had been less than `pushes`.
  [[gnu::visibility("hidden")]] void fire_due_timers(std::uint64_t pushes) noexcept;
  [[gnu::always_inline]] void take_messages_and_timers() noexcept;
  [[gnu::always_inline]] void begin_rounds() noexcept;
  /// A turn that somebody is told of, or in whose rounds somebody has a say.
  [[gnu::visibility("hidden"), gnu::noinline]] void take_overseen_turn() noexcept;
  [[gnu::visibility("hidden")]] void arrange_round() noexcept;
  [[gnu::visibility("hidden")]] void arm_next() noexcept;
  /// Something became ready outside of a turn: asks the backend for one.
  void want_turn() noexcept {
    if (!awake_) ask_for_turn();
  }
  void ask_for_turn() noexcept;
  DelayedCall add_timer(TimePoint deadline, detail::TimerNode* node);
  [[gnu::visibility("hidden")]] void make_room_for_timer(detail::TimerNode* made);
  void put_timer(detail::TimerNode& node, TimePoint deadline) noexcept;
  Watch add_watch(int fd, Ready interest, detail::WatchNode* node);
  SignalWatch add_signal(detail::SignalNode* node);
  template <class Walk>
  [[gnu::visibility("hidden")]] void begin_at_roots(Walk& walk) const;
  int run_main(const std::shared_ptr<detail::MainEnd>& end);
};

}  // namespace deferred

#include "deferred/reactor/detail/reactor_bodies.hpp"
