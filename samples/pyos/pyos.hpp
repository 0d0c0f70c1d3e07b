// SPDX-License-Identifier: MIT
//
// pyos: the little operating system of David Beazley's course on coroutines. A system call is a
// yieldable as any user writes one: it can be awaited in a subtask, under a time limit, in a
// race(). The library knows nothing of it. Next: transcript.cpp, the first program; sockets.hpp.
#pragma once

#include <deferred/deferred.hpp>

#include <cstdint>
#include <iostream>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>

namespace pyos {

using deferred::Task;
using deferred::Waiter;

/// Of a task: from 1 up.
using Tid = std::uint64_t;

/// Runs tasks on any reactor, and answers their system calls. Says "Task N terminated" when one has
/// ended, however that came. What a task throws ends that one only, and is reported with its trace.
class Scheduler {
 public:
  explicit Scheduler(deferred::Reactor& reactor, std::ostream& log = std::cout)
      : reactor_(reactor), log_(log) {}
  /// Kills the tasks that are left. REQUIRES: not called by one of them.
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// A new task, which starts in the reactor's next turn. (The course: new)
  Tid create(Task<> target);
  /// Ends a task at once, with its subtasks and all that it waits for; one that kills itself, at
  /// its next wait. False if there is no such task.
  bool kill(Tid tid);
  /// Runs until no task is left.
  void mainloop();

  /// The one whose mainloop() runs on this thread.
  static Scheduler& current();
  /// Throws std::logic_error if it is none of its tasks.
  Tid tid_of(const deferred::TaskRef& task) const;

 private:
  friend struct WaitTask;
  struct Entry {
    explicit Entry(deferred::TaskRef of) : task(std::move(of)) {}
    deferred::TaskRef task;
    deferred::Event terminated;
  };
  void exit(Tid tid);

  static thread_local Scheduler* current_;
  deferred::Reactor& reactor_;
  std::ostream& log_;
  Tid last_tid_ = 0;
  std::map<Tid, std::shared_ptr<Entry>> tasks_;  // shared with those who wait for one
  std::unordered_map<std::uint64_t, Tid> tids_;  // by the id() of the task
};

struct GetTid {
  void yield_to(Waiter<Tid> w) const { w.resume(Scheduler::current().tid_of(w.task())); }
};

/// Lets all others run.
struct YieldControl {
  auto yield_to(Waiter<void> w) const { return schedule(w, deferred::Duration::zero()); }
};

struct NewTask {
  explicit NewTask(Task<> t) : target(std::move(t)) {}
  void yield_to(Waiter<Tid> w) && { w.resume(Scheduler::current().create(std::move(target))); }
  Task<> target;
};

/// Gives false if there is no such task. Who kills itself does not come back.
struct KillTask {
  explicit KillTask(Tid t) : tid(t) {}
  auto yield_to(Waiter<bool> w) const {
    return schedule(w, deferred::Duration::zero(), Scheduler::current().kill(tid));
  }
  Tid tid;
};

/// Gives true when the task has terminated, and false at once if there is no such task.
struct WaitTask {
  explicit WaitTask(Tid t) : tid(t) {}
  Task<bool> yield_to() const;
  Tid tid;
};

/// Goes on when the descriptor can be read. What is returned, the watch, ends with the wait.
struct ReadWait {
  explicit ReadWait(int descriptor) : fd(descriptor) {}
  auto yield_to(Waiter<void> w) const {
    return w.reactor().watch(fd, deferred::Ready::read, [w] { w.resume(); });
  }
  int fd;
};

struct WriteWait {
  explicit WriteWait(int descriptor) : fd(descriptor) {}
  auto yield_to(Waiter<void> w) const {
    return w.reactor().watch(fd, deferred::Ready::write, [w] { w.resume(); });
  }
  int fd;
};

}  // namespace pyos
