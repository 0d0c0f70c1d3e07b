// SPDX-License-Identifier: MIT
//
// Shows: functions that block, in the threads of a pool. Results and errors come back into the
// task; a time limit leaves a slow one to itself; the reactor goes on ticking. Prints: three ticks
// while a thread is busy, what it found, then a late one and an error.
#include <deferred/deferred.hpp>
#include <iostream>
#include <latch>
#include <stdexcept>

using namespace std::chrono_literals;

int factorial(int n) {
  if (n > 12) throw std::out_of_range("the factorial of " + std::to_string(n) + " is too large");
  return n < 2 ? 1 : n * factorial(n - 1);
}
struct AtEnd {
  std::latch& latch;
  ~AtEnd() { latch.count_down(); }
};
deferred::Task<> tick(std::latch& ticks) {
  for (int i = 1; i <= 3; ++i) {
    co_await deferred::Pause(1ms);
    std::cout << "tick " << i << '\n';
    ticks.count_down();
  }
}

deferred::Task<> main_task() {
  std::latch ticks(3), end(1);
  deferred::ThreadPool pool(2);
  const AtEnd let_go{end};  // before the pool joins its threads, whatever happens
  const auto busy = [&ticks] {
    ticks.wait();  // blocks its thread, and not the reactor
    return factorial(5);
  };
  auto small = deferred::defer_to_thread(pool, factorial, 3);  // begins now
  const int large =
      co_await deferred::with_nursery([&](deferred::Nursery& nursery) -> deferred::Task<int> {
        nursery.spawn(tick(ticks));
        co_return co_await deferred::in_thread(pool, busy);
      });
  std::cout << "5! = " << large << ", 3! = " << co_await std::move(small) << '\n';

  const auto slow = [&end] { end.wait(); };
  try {
    co_await deferred::with_timeout(5ms, deferred::in_thread(pool, slow).abandon_on_cancel());
  } catch (const deferred::TimeoutError&) {
    std::cout << "too slow\n";
  }
  try {
    co_await deferred::in_thread(pool, factorial, 13);
  } catch (const std::out_of_range& error) {
    std::cout << error.what() << '\n';
  }
}

int main() {
  deferred::Reactor reactor;
  return reactor.run(main_task());
}
