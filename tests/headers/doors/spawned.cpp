// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "deferred/tasks/spawn.hpp"

using namespace deferred;

namespace {

Task<int> three() { co_return 3; }

Task<int> started() {
  Spawned<int> spawned = spawn(three());
  co_return co_await std::move(spawned);
}

TEST_CASE("with the header of spawn, a task is written, spawned, awaited and run") {
  Reactor reactor;
  CHECK(reactor.run(started()) == 3);
}

}  // namespace
