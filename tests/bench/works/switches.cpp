// SPDX-License-Identifier: MIT
//
// W4: microthreads that take turns.
#include <utility>
#include <vector>

#include "deferred/results/deferred.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/yieldables/pause.hpp"
#include "works.hpp"

namespace {

using namespace deferred;

Task<> yielding(std::size_t n) {
  for (std::size_t i = 0; i != n; ++i) co_await Pause{};
}

template <std::size_t Tasks>
Task<> take_turns(Reactor& reactor, std::size_t n) {
  std::vector<Deferred<void>> others;
  for (std::size_t i = 1; i != Tasks; ++i) others.push_back(spawn(reactor, yielding(n / Tasks)));
  co_await yielding(n / Tasks);
  for (auto& other : others) co_await std::move(other);
}

}  // namespace

void works::switches(bench::Program& program, Reactor& reactor, const char* turn) {
  program.batch("W4", in(reactor, take_turns<2>), turn);
  program.batch("W4-1000", in(reactor, take_turns<1'000>), turn, {1'000'000, 100'000});
}
