// SPDX-License-Identifier: MIT
//
// Shows: microthreads as Phillip J. Eby drew them up: spawn starts one, a task awaited by another
// is a subroutine, Pause lets others run, with_timeout wraps anything, current_task is who runs.
// Prints: two of them taking turns, and a third, main, that counts until its time is up.
#include <deferred/deferred.hpp>
#include <iostream>
#include <reactors/virtual_time.hpp>

using namespace std::chrono_literals;
using deferred::Pause;
using deferred::Task;

Task<std::uint64_t> id() {
  const deferred::TaskRef self = co_await deferred::current_task;
  co_return self.id();
}

Task<int> count_to(int last) {
  for (int i = 1; i <= last; ++i) {
    const auto me = co_await id();  // a subtask: an await calls it, its result comes back
    std::cout << "task " << me << " counts " << i << '\n';
    co_await Pause{1s};
  }
  co_return last;
}

Task<> main_task() {
  auto two = spawn(count_to(2));
  spawn(count_to(3)).detach();
  const int counted = co_await std::move(two);
  const auto at = deferred::Reactor::current().now().time_since_epoch() / 1s;
  std::cout << "one has counted to " << counted << " at " << at << " s\n";

  try {
    co_await with_timeout(1500ms, count_to(100));
  } catch (const deferred::TimeoutError&) {
    std::cout << "counting to 100 takes too long\n";
  }
}

int main() {
  deferred::reactors::VirtualTime time;
  deferred::Reactor reactor{time};
  return reactor.run(main_task());
}
