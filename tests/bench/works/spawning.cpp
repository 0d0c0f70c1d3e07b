// SPDX-License-Identifier: MIT
//
// W5: microthreads from their start to their end.
#include "deferred/tasks/spawn.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/yieldables/pause.hpp"
#include "works.hpp"

namespace {

using namespace deferred;

[[gnu::noinline]] Task<> nothing() { co_return; }

Task<> spawn_all(Reactor& reactor, std::size_t n) {
  for (std::size_t done = 0; done < n; done += 100) {
    for (int i = 0; i != 100; ++i) spawn(reactor, nothing()).detach();
    co_await Pause{};  // they start, and end, in that turn
  }
}

}  // namespace

void works::spawning(bench::Program& program, Reactor& reactor, const char* note) {
  program.batch("W5", in(reactor, spawn_all), note);
}
