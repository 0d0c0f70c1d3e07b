// SPDX-License-Identifier: MIT
//
// AsyncTasks: what happens at a click, without a window. It knows no Qt and no threads, but a
// Reactor, a Pool and a View: tests give it virtual time and a ManualPool, main.cpp the real ones.
// Next: window.hpp, the View that one sees.
#pragma once

#include <deferred/deferred.hpp>

#include <functional>
#include <string>
#include <vector>

namespace async_tasks {

/// What runs in a thread: called by several at once.
using Worker = std::function<int(int)>;

/// What becomes of workers that run when the click is cancelled.
enum class Running { waited_for, abandoned };

/// Shows what goes on. All is called on the reactor's thread, and nothing may be thrown.
class View {
 public:
  /// How often the clock has ticked, ten times a second.
  virtual void show_ticks(int count) = 0;
  /// A click's work begins: nothing is done of so many tasks.
  virtual void show_begin(int tasks) = 0;
  virtual void show_result(const std::string& text) = 0;
  /// `trace` says where the failure comes from, a place a line.
  virtual void show_failure(const std::string& text, const std::string& trace) = 0;
  virtual void show_done(int tasks) = 0;
  /// The work is over; AsyncTasks is not touched again before the next click.
  virtual void show_end() = 0;

 protected:
  ~View() = default;
};

/// Calls the worker with each number, in threads, at a click. Ticks all its life.
///
/// May be destroyed at any time, in the View's functions only in show_end(): nothing is shown any
/// more, calls that have not begun never do, and those that run end by themselves, in the pool.
class AsyncTasks {
 public:
  AsyncTasks(deferred::Reactor& reactor, deferred::Pool& pool, View& view, Worker worker,
             std::vector<int> numbers, Running when_cancelled = Running::waited_for);
  AsyncTasks(const AsyncTasks&) = delete;
  AsyncTasks& operator=(const AsyncTasks&) = delete;
  ~AsyncTasks();

  /// Begins in the reactor's next turn. Does nothing while a click's work goes on.
  void click();
  /// Ends the work of a click: calls that have not begun never do.
  void cancel();
  bool busy() const { return busy_; }

 private:
  deferred::Task<> handle_click();
  deferred::Spawned<int> start(int number);
  deferred::Task<int> call_worker(int number);
  deferred::Task<> tick();

  deferred::Reactor& reactor_;
  deferred::Pool& pool_;
  View& view_;
  const Worker worker_;
  const std::vector<int> numbers_;
  const Running when_cancelled_;
  bool busy_ = false;
  bool cancelled_ = false;  // since the last click, perhaps before its work began
  deferred::TaskRef ticking_;
  deferred::TaskRef handler_;               // of the last click, if there was one
  std::vector<deferred::TaskRef> workers_;  // which the handler has started
};

}  // namespace async_tasks
