// SPDX-License-Identifier: MIT
//
// W2 and W2p: awaits of what is ready, and of Deferreds that are not.
#include <utility>

#include "deferred/results/deferred.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/tasks/task.hpp"
#include "works.hpp"

namespace {

using namespace deferred;

struct Answer {
  int value;
  void yield_to(Waiter<int> w) const { w.resume(value); }
};

Task<> await_ready(Reactor&, std::size_t n) {
  for (std::size_t i = 0; i != n; ++i) {
    const int v = co_await Answer{bench::opaque(1)};
    bench::keep(v);
  }
}

// Two microthreads, each fires what the other waits for: an await makes, waits for and fires one
// Deferred.
Task<> ping(Promise<int>& mine, Promise<int>& other, std::size_t n) {
  for (std::size_t i = 0; i != n; ++i) {
    auto [promise, pending] = make_deferred<int>();
    mine = std::move(promise);
    if (other.valid()) other.callback(1);
    const int v = co_await std::move(pending);
    bench::keep(v);
  }
  if (other.valid() && !other.fired()) other.callback(1);
}

Task<> await_pending(Reactor& reactor, std::size_t n) {
  Promise<int> left, right;
  auto second = spawn(reactor, ping(right, left, n / 2)).deferred();
  co_await ping(left, right, n / 2);
  co_await std::move(second);
}

}  // namespace

void works::awaits(bench::Program& program, Reactor& reactor) {
  program.batch("W2", in(reactor, await_ready), "a yieldable that answers at once");
  program.batch("W2p", in(reactor, await_pending), "two microthreads fire each other's Deferred");
}
