// SPDX-License-Identifier: MIT
//
// Shows: the little operating system of David Beazley's coroutine course. A system call is a
// yieldable: GetTid answers at once, YieldControl lets others run. The reactor is the scheduler.
// Prints: the transcript that the Python version prints, line for line.
#include <deferred/deferred.hpp>
#include <iostream>

using deferred::Task;
using deferred::Waiter;

struct GetTid {
  void yield_to(Waiter<std::uint64_t> waiter) const { waiter.resume(waiter.task().id()); }
};

struct YieldControl {
  auto yield_to(Waiter<void> waiter) const { return schedule(waiter, deferred::Duration::zero()); }
};

Task<> foo() {
  const auto my_tid = co_await GetTid{};
  for (int i = 0; i < 3; ++i) {
    std::cout << "I'm foo " << my_tid << '\n';
    co_await YieldControl{};
  }
}

Task<> bar() {
  const auto my_tid = co_await GetTid{};
  for (int i = 0; i < 5; ++i) {
    std::cout << "I'm bar " << my_tid << '\n';
    co_await YieldControl{};
  }
}

void start(deferred::Reactor& scheduler, Task<> target) {
  auto task = spawn(scheduler, std::move(target));
  const auto tid = task.task().id();
  std::move(task)
      .add_callback([&scheduler, tid] {
        std::cout << "Task " << tid << " terminated\n";
        if (scheduler.task_count() == 0) scheduler.stop();
      })
      .detach();
}

int main() {
  deferred::Reactor scheduler;
  start(scheduler, foo());
  start(scheduler, bar());
  scheduler.run();
}
