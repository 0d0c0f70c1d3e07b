// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "deferred/yieldables/pause.hpp"

using namespace deferred;

namespace {

Task<int> nap() {
  co_await Pause{};
  co_return 3;
}

TEST_CASE("with the header of a yieldable, a task that awaits it is written and run") {
  Reactor reactor;
  CHECK(reactor.run(nap()) == 3);
}

}  // namespace
