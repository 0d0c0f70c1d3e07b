// SPDX-License-Identifier: MIT
#include "samples/qt_async_task/async_tasks.hpp"

#include <deferred/deferred.hpp>

#include <cstddef>
#include <string>
#include <utility>

namespace async_tasks {

using namespace deferred;
using namespace std::chrono_literals;

namespace {

/// In the worker's thread.
int work(const Worker& worker, int number, Progress progress) {
  progress(0, 1);
  return worker(number, progress);
}

}  // namespace

AsyncTasks::AsyncTasks(Reactor& reactor, Pool& pool, View& view, Worker worker,
                       std::vector<int> numbers, Running when_cancelled)
    : reactor_(reactor),
      pool_(pool),
      view_(view),
      worker_(std::move(worker)),
      numbers_(std::move(numbers)),
      when_cancelled_(when_cancelled),
      ticking_(spawn(reactor, tick()).named("the ticking label").task()) {}

AsyncTasks::~AsyncTasks() {
  ticking_.close();
  if (handler_.valid()) handler_.close();
}

void AsyncTasks::click() {
  if (std::exchange(busy_, true)) return;
  rows_.clear();
  handler_ = spawn(reactor_, handle_click()).named("the click").task();
}

void AsyncTasks::cancel() {
  if (busy_) handler_.cancel();
}

void AsyncTasks::cancel(int row) {
  const auto at = static_cast<std::size_t>(row);
  if (at < rows_.size()) rows_[at].cancel();
}

// The handler of the original, with its "wouldn't this be cool": it is started by a click, waits
// for threads as if it called functions, and never blocks the thread that it runs on. Its nursery
// ends when all rows have, and hands a cancel on to them.
Task<> AsyncTasks::handle_click() {
  view_.show_begin();
  const auto start_rows = [this](Nursery& nursery) -> Task<> {
    int row = 0;
    for (const int number : numbers_) {
      const std::string name = "worker(" + std::to_string(number) + ")";
      rows_.push_back(nursery.spawn(show_row(row++, number)).named(name).task());
    }
    co_return;
  };
  try {
    co_await with_nursery(start_rows);
  } catch (const Cancelled&) {
    // Each row shows whether it was.
  }
  busy_ = false;
  view_.show_end();
}

// A microthread for each row, so that it shows its end when that comes, whatever the others do.
Task<> AsyncTasks::show_row(int row, int number) {
  try {
    const int value = co_await call_worker(row, number);
    view_.show_result(row, value);
  } catch (const Cancelled&) {
    view_.show_cancelled(row);
  } catch (...) {
    view_.show_failure(row, Failure::current());
  }
}

// The call in its thread, and beside it what it says from there. Whatever ends one ends both.
Task<int> AsyncTasks::call_worker(int row, int number) {
  Channel<int> percents(Progress::most);
  const auto call = [&](Nursery& nursery) -> Task<int> {
    nursery.spawn(show_percents(row, percents));
    auto in_pool = in_thread(pool_, work, worker_, number, Progress(percents.remote_sender()));
    if (when_cancelled_ == Running::abandoned) in_pool = std::move(in_pool).abandon_on_cancel();
    const int value = co_await std::move(in_pool);
    percents.close();
    co_return value;
  };
  co_return co_await with_nursery(call);
}

// Ends well when it is cancelled, for a worker may return a value all the same.
Task<> AsyncTasks::show_percents(int row, Channel<int>& percents) {
  try {
    for (auto p = co_await percents.receive(); p; p = co_await percents.receive()) {
      view_.show_running(row, *p);
    }
  } catch (const Cancelled&) {
    percents.close();  // the worker is told so when it says the next one
  }
}

Task<> AsyncTasks::tick() {
  for (int count = 0;; ++count) {
    view_.show_ticks(count);
    co_await Pause{100ms};
  }
}

}  // namespace async_tasks
