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

#include "samples/qt_async_task/progress.hpp"

namespace async_tasks {

/// What runs in a thread: called by several at once.
using Worker = std::function<int(int number, Progress& progress)>;

/// What becomes of workers that run and do not say how far they are, when they are cancelled.
enum class Running { waited_for, abandoned };

/// Shows what goes on, in a row for each number, from 0. All is called on the reactor's thread, and
/// nothing may be thrown.
class View {
 public:
  /// How often the clock has ticked, ten times a second.
  virtual void show_ticks(int count) = 0;
  /// A click's work begins: all rows wait for a thread.
  virtual void show_begin() = 0;
  /// Its call runs; with 0 when it begins.
  virtual void show_running(int row, int percent) = 0;
  // One of these is a row's last:
  virtual void show_result(int row, int value) = 0;
  virtual void show_failure(int row, const deferred::Failure& failure) = 0;
  virtual void show_cancelled(int row) = 0;
  /// The work is over; AsyncTasks is not touched again before the next click.
  virtual void show_end() = 0;

 protected:
  ~View() = default;
};

/// Calls the worker with each number, in threads, at a click. Ticks all its life.
///
/// May be destroyed at any time, in the View's functions only in show_end(): nothing is shown any
/// more, calls that have not begun never do, and those that run end by themselves, in the pool, at
/// the latest with the next percent that they say.
class AsyncTasks {
 public:
  AsyncTasks(deferred::Reactor& reactor, deferred::Pool& pool, View& view, Worker worker,
             std::vector<int> numbers, Running when_cancelled = Running::waited_for);
  AsyncTasks(const AsyncTasks&) = delete;
  AsyncTasks& operator=(const AsyncTasks&) = delete;
  ~AsyncTasks();

  /// Begins in the reactor's next turn. Does nothing while a click's work goes on.
  void click();
  /// Ends the work of a click: calls that have not begun never do, and those that run end when they
  /// say how far they are.
  void cancel();
  /// Ends one call so. Does nothing if it is none of the click's work that goes on.
  void cancel(int row);
  bool busy() const { return busy_; }

 private:
  deferred::Task<> handle_click();
  deferred::Task<> show_row(int row, int number);
  deferred::Task<int> call_worker(int row, int number);
  deferred::Task<> show_percents(int row, deferred::Channel<int>& percents);
  deferred::Task<> tick();

  deferred::Reactor& reactor_;
  deferred::Pool& pool_;
  View& view_;
  const Worker worker_;
  const std::vector<int> numbers_;
  const Running when_cancelled_;
  bool busy_ = false;
  deferred::TaskRef ticking_;
  deferred::TaskRef handler_;            // of the last click, if there was one
  std::vector<deferred::TaskRef> rows_;  // its children, as far as they have been started
};

}  // namespace async_tasks
