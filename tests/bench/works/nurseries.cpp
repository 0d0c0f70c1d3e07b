// SPDX-License-Identifier: MIT
//
// Nurseries: their children, from their start to their end, and themselves.
#include <chrono>

#include "deferred/tasks/nursery.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/yieldables/pause.hpp"
#include "works.hpp"

namespace {

using namespace deferred;
using namespace std::chrono_literals;

[[gnu::noinline]] Task<> child() { co_return; }
[[gnu::noinline]] Task<> waiting_child() { co_await Pause{1s}; }

// As W5, but in a nursery.
Task<> spawn_in_nursery(Reactor&, std::size_t n) {
  Nursery nursery;
  for (std::size_t done = 0; done < n; done += 100) {
    for (int i = 0; i != 100; ++i) nursery.spawn(child());
    co_await Pause{};
  }
}
Task<> nurseries_of_none(Reactor&, std::size_t n) {
  const auto body = [](Nursery&) -> Task<int> { co_return 1; };
  for (std::size_t i = 0; i != n; ++i) {
    const int value = co_await with_nursery(body);
    bench::keep(value);
  }
}
Task<> nurseries_of_one(Reactor&, std::size_t n) {
  const auto body = [](Nursery& nursery) -> Task<int> {
    nursery.spawn(child());
    co_return 1;
  };
  for (std::size_t i = 0; i != n; ++i) {
    const int value = co_await with_nursery(body);
    bench::keep(value);
  }
}
Task<> cut_children(Reactor&, std::size_t n) {
  const auto waits = []() -> Task<> { co_await Pause{1s}; };
  for (std::size_t i = 0; i != n; ++i) {
    Nursery nursery;
    nursery.spawn(waits);
    co_await Pause{};
    nursery.cancel();
    co_await nursery;
  }
}
Task<> close_children(Reactor&, std::size_t n) {
  for (std::size_t i = 0; i != n; ++i) {
    Nursery nursery;
    nursery.spawn(waiting_child());
    co_await Pause{};
  }
}

}  // namespace

void works::nurseries(bench::Program& program, Reactor& reactor) {
  program.batch("nursery-spawn", in(reactor, spawn_in_nursery), "100 a turn");
  program.batch("nursery", in(reactor, nurseries_of_none), "with_nursery(), without a child");
  program.batch("nursery-1", in(reactor, nurseries_of_one), "with_nursery(), one child");
  program.batch("nursery-cut", in(reactor, cut_children), "a child that waits is cancelled");
  program.batch("nursery-close", in(reactor, close_children), "a child that waits is closed");
}
