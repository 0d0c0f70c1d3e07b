// SPDX-License-Identifier: MIT
//
// Shows: tasks of pyos that start, await and kill others. Who waits for a task that is killed is
// told, a task that is killed in the middle of a subtask leaves nothing behind, and what one throws
// is its own affair.
// Prints: what main does with its children, and which of them has terminated when.
#include <stdexcept>

#include "samples/pyos/pyos.hpp"

using namespace pyos;

Task<> count_to(int last) {
  const Tid my_tid = co_await GetTid{};
  for (int i = 1; i <= last; ++i) {
    std::cout << "I'm " << my_tid << ", and count " << i << '\n';
    co_await YieldControl{};
  }
}

struct CleansUp {
  ~CleansUp() { std::cout << "its clean-up runs\n"; }
};

Task<> count_for_ever() {
  const CleansUp cleans_up;
  co_await count_to(1'000'000);
}

Task<> watch(Tid tid) {
  const bool waited = co_await WaitTask(tid);
  std::cout << "the watcher sees that " << tid << (waited ? " is gone\n" : " never was\n");
}

Task<> fail() {
  co_await YieldControl{};
  throw std::runtime_error("a task of pyos has failed, and the others go on");
}

Task<> main_task() {
  const Tid child = co_await NewTask(count_to(2));
  std::cout << "waiting for " << child << '\n';
  co_await WaitTask(child);
  std::cout << child << " is done\n";

  const Tid endless = co_await NewTask(count_for_ever());
  co_await NewTask(watch(endless));
  for (int i = 0; i < 3; ++i) co_await YieldControl{};
  const bool killed = co_await KillTask(endless);
  const bool again = co_await KillTask(endless);
  std::cout << "killed: " << killed << ", and again: " << again << '\n';

  const Tid failing = co_await NewTask(fail());
  co_await WaitTask(failing);
  std::cout << "main is done\n";
}

int main() {
  deferred::Reactor reactor;
  Scheduler scheduler(reactor);
  scheduler.create(main_task());
  scheduler.mainloop();
}
