// SPDX-License-Identifier: MIT
#include "samples/qt_async_task/async_tasks.hpp"

#include <deferred/deferred.hpp>

#include <utility>

namespace async_tasks {

using namespace deferred;
using namespace std::chrono_literals;

namespace {

std::string text_of_call(int number) { return "worker(" + std::to_string(number) + ")"; }

}  // namespace

AsyncTasks::AsyncTasks(Reactor& reactor, Pool& pool, View& view, Worker worker,
                       std::vector<int> numbers, Running when_cancelled)
    : reactor_(reactor),
      pool_(pool),
      view_(view),
      worker_(std::move(worker)),
      numbers_(std::move(numbers)),
      when_cancelled_(when_cancelled),
      ticking_(spawn(reactor, tick()).task()) {
  ticking_.set_name("the ticking label");
}

AsyncTasks::~AsyncTasks() {
  ticking_.close();
  if (handler_.valid()) handler_.close();
  for (TaskRef& worker : workers_) worker.close();
}

void AsyncTasks::click() {
  if (std::exchange(busy_, true)) return;
  cancelled_ = false;
  workers_.clear();
  handler_ = spawn(reactor_, handle_click()).task();
  handler_.set_name("the click");
}

void AsyncTasks::cancel() {
  cancelled_ = true;
  for (TaskRef& worker : workers_) worker.cancel();
}

// The handler of the original, with its "wouldn't this be cool": it is started by a click, waits
// for threads as if it called functions, and never blocks the thread that it runs on. All tasks are
// started before the first is awaited, so each await has a try of its own.
Task<> AsyncTasks::handle_click() {
  view_.show_begin(static_cast<int>(numbers_.size()));
  std::vector<Spawned<int>> tasks;
  for (const int number : numbers_) tasks.push_back(start(number));
  if (cancelled_) cancel();

  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const std::string call = text_of_call(numbers_[i]);
    try {
      const int value = co_await std::move(tasks[i]);
      view_.show_result(call + " returned: " + std::to_string(value));
    } catch (const Cancelled&) {
      view_.show_failure(call + " was cancelled", "");
    } catch (...) {
      const Failure failure = Failure::current();
      view_.show_failure(call + " failed with " + failure.type_name() + ": " + failure.what(),
                         failure.report());
    }
    view_.show_done(static_cast<int>(i) + 1);
  }
  busy_ = false;
  view_.show_end();
}

// A microthread of its own, so that it can be cancelled while the handler awaits another.
Spawned<int> AsyncTasks::start(int number) {
  Spawned<int> started = spawn(call_worker(number));
  started.task().set_name(text_of_call(number));
  workers_.push_back(started.task());
  return started;
}

Task<int> AsyncTasks::call_worker(int number) {
  auto call = in_thread(pool_, worker_, number);
  if (when_cancelled_ == Running::abandoned) call = std::move(call).abandon_on_cancel();
  co_return co_await std::move(call);
}

Task<> AsyncTasks::tick() {
  for (int count = 0;; ++count) {
    view_.show_ticks(count);
    co_await Pause{100ms};
  }
}

}  // namespace async_tasks
