// SPDX-License-Identifier: MIT
//
// Shows: two tasks of pyos that take turns: GetTid answers at once, YieldControl lets others run.
// Prints: the transcript of the course, line for line.
#include "samples/pyos/pyos.hpp"

using namespace pyos;

Task<> foo() {
  const Tid my_tid = co_await GetTid{};
  for (int i = 0; i < 3; ++i) {
    std::cout << "I'm foo " << my_tid << '\n';
    co_await YieldControl{};
  }
}

Task<> bar() {
  const Tid my_tid = co_await GetTid{};
  for (int i = 0; i < 5; ++i) {
    std::cout << "I'm bar " << my_tid << '\n';
    co_await YieldControl{};
  }
}

int main() {
  deferred::Reactor reactor;
  Scheduler scheduler(reactor);
  scheduler.create(foo());
  scheduler.create(bar());
  scheduler.mainloop();
}
