// SPDX-License-Identifier: MIT
//
// Our works, a small unit for each subject as a user would have it: g++ inlines less the more one
// unit holds, so one_unit.cpp and the build with -flto hold them all at once and are measured too.
// Next: chains.cpp for the shortest, main.cpp for their order.
#pragma once

#include <cstddef>

#include "../bench.hpp"
#include "deferred/reactor/reactor.hpp"

namespace works {

/// A clock that is put forward by hand and no I/O: a turn costs what the library's own part of it
/// costs.
class HandClock : public deferred::Backend {
 public:
  void put_forward(deferred::Duration by) { now_ += by; }

  deferred::TimePoint now() noexcept override { return now_; }
  void arm(deferred::TimePoint) noexcept override {}
  void wake() noexcept override {}
  void watch(int, deferred::Ready, deferred::IoHandler&) override {}
  void rewatch(int, deferred::Ready) override {}
  void unwatch(int) noexcept override {}
  void run_once(bool) override { turn(); }

 private:
  deferred::TimePoint now_{};
};

/// A batch that runs `task(reactor, n)`, a function that returns a Task, to its end.
template <class F>
auto in(deferred::Reactor& reactor, F task) {
  return [&reactor, task](std::size_t n) { reactor.run(task(reactor, n)); };
}

void bytes(bench::Program& program);
void chains(bench::Program& program);
void long_chains(bench::Program& program);
void throwing(bench::Program& program);
void awaits(bench::Program& program, deferred::Reactor& reactor);
void dynamic_awaits(bench::Program& program, deferred::Reactor& reactor);
void subtasks(bench::Program& program, deferred::Reactor& reactor);
/// `turn`: what stands beside a turn of this reactor, for the notes.
void switches(bench::Program& program, deferred::Reactor& reactor, const char* turn);
void spawning(bench::Program& program, deferred::Reactor& reactor, const char* note);
void scopes(bench::Program& program, deferred::Reactor& reactor);
void nurseries(bench::Program& program, deferred::Reactor& reactor);
void generators(bench::Program& program, deferred::Reactor& reactor);
void joins(bench::Program& program, deferred::Reactor& reactor);
void channels(bench::Program& program, deferred::Reactor& reactor);
void timers(bench::Program& program, deferred::Reactor& reactor, HandClock& clock);
void posts(bench::Program& program);
void scripted_echo(bench::Program& program);

}  // namespace works
