// SPDX-License-Identifier: MIT
//
// Scopes around a task that ends at once: a limit, a CancelScope, a shield.
#include <chrono>

#include "deferred/tasks/cancel_scope.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "works.hpp"

namespace {

using namespace deferred;
using namespace std::chrono_literals;

[[gnu::noinline]] Task<int> one() { co_return 1; }

Task<> limited(Reactor&, std::size_t n) {
  for (std::size_t i = 0; i != n; ++i) {
    const int value = co_await with_timeout(1s, one());
    bench::keep(value);
  }
}
Task<> scoped(Reactor&, std::size_t n) {
  CancelScope scope;
  for (std::size_t i = 0; i != n; ++i) {
    const std::optional<int> value = co_await scope.run(one());
    bench::keep(*value);
  }
}
Task<> shielded(Reactor&, std::size_t n) {
  for (std::size_t i = 0; i != n; ++i) {
    const int value = co_await shield(one());
    bench::keep(value);
  }
}

}  // namespace

void works::scopes(bench::Program& program, Reactor& reactor) {
  program.batch("timeout", in(reactor, limited), "with_timeout() of a subtask");
  program.batch("scope", in(reactor, scoped), "CancelScope::run() of a subtask");
  program.batch("shield", in(reactor, shielded), "shield() of a subtask");
}
