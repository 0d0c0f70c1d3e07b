// SPDX-License-Identifier: MIT
//
// Several at once: races and joins of plain yieldables, and of tasks.
#include <chrono>

#include "deferred/tasks/task.hpp"
#include "deferred/yieldables/all.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/race.hpp"
#include "works.hpp"

namespace {

using namespace deferred;
using namespace std::chrono_literals;

struct AtOnce {
  int value;
  void yield_to(Waiter<int> w) const { w.resume(value); }
};
[[gnu::noinline]] Task<int> number(int value) { co_return value; }

Task<> race_ready(Reactor&, std::size_t n) {
  for (std::size_t i = 0; i != n; ++i) {
    const auto won = co_await race(AtOnce{1}, Pause{1s});
    bench::keep(won.index());
  }
}
Task<> race_plain(Reactor&, std::size_t n) {
  for (std::size_t i = 0; i != n; ++i) {
    const auto won = co_await race(Pause{}, Pause{1s});
    bench::keep(won.index());
  }
}
Task<> all_plain(Reactor&, std::size_t n) {
  for (std::size_t i = 0; i != n; ++i) {
    const auto both = co_await all(Pause{}, Pause{});
    bench::keep(&both);
  }
}
Task<> race_tasks(Reactor&, std::size_t n) {
  for (std::size_t i = 0; i != n; ++i) {
    const auto won = co_await race(number(1), number(2));
    bench::keep(won.index());
  }
}
Task<> all_tasks(Reactor&, std::size_t n) {
  for (std::size_t i = 0; i != n; ++i) {
    const auto both = co_await all(number(1), number(2));
    bench::keep(std::get<0>(both));
  }
}

}  // namespace

void works::joins(bench::Program& program, Reactor& reactor) {
  program.batch("race-ready", in(reactor, race_ready), "the first of two has its answer at once");
  program.batch("race", in(reactor, race_plain), "a turn; a timer is set and dropped");
  program.batch("all", in(reactor, all_plain), "two that take a turn");
  program.batch("race-tasks", in(reactor, race_tasks), "two tasks that end at once");
  program.batch("all-tasks", in(reactor, all_tasks), "two tasks that end at once");
}
