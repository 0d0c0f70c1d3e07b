// SPDX-License-Identifier: MIT
//
// Values one at a time, with and without a wait.
#include <utility>

#include "deferred/tasks/async_generator.hpp"
#include "deferred/tasks/generator.hpp"
#include "deferred/tasks/spawn.hpp"
#include "works.hpp"

namespace {

using namespace deferred;

Generator<std::size_t> counts() {
  for (std::size_t i = 0;; ++i) co_yield i;
}

AsyncGenerator<std::size_t> counts_as_tasks() {
  for (std::size_t i = 0;; ++i) co_yield i;
}

Task<> take_steps(Reactor&, std::size_t n) {
  AsyncGenerator<std::size_t> generator = counts_as_tasks();
  std::size_t sum = 0;
  for (std::size_t i = 0; i != n; ++i) sum += *co_await generator.next();
  bench::keep(sum);
}

}  // namespace

void works::generators(bench::Program& program, Reactor& reactor) {
  program.batch("generator", [](std::size_t n) {
    Generator<std::size_t> generator = counts();
    std::size_t sum = 0;
    for (std::size_t i = 0; i != n; ++i) sum += *generator.next();
    bench::keep(sum);
  });
  program.batch("async-generator", in(reactor, take_steps));
}
