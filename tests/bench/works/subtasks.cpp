// SPDX-License-Identifier: MIT
//
// W3 and W3-depth: calls of subtasks.
#include "deferred/tasks/spawn.hpp"
#include "deferred/tasks/task.hpp"
#include "works.hpp"

namespace {

using namespace deferred;

[[gnu::noinline]] Task<int> leaf(int v) { co_return v; }

Task<> call_leaf(Reactor&, std::size_t n) {
  for (std::size_t i = 0; i != n; ++i) {
    const int v = co_await leaf(bench::opaque(1));
    bench::keep(v);
  }
}

[[gnu::noinline]] Task<int> nested(int levels) {
  if (levels == 0) co_return 0;
  const int below = co_await nested(levels - 1);
  co_return below + 1;
}

Task<> call_nested(Reactor&, std::size_t n) {
  for (std::size_t i = 0; i < n; i += 1'000) {
    const int depth = co_await nested(1'000);
    bench::keep(depth);
  }
}

}  // namespace

void works::subtasks(bench::Program& program, Reactor& reactor) {
  program.batch("W3", in(reactor, call_leaf));
  program.batch("W3-depth", in(reactor, call_nested), "1000 levels", {0, 10'000});
}
