// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "deferred/tasks.hpp"

using namespace deferred;

namespace {

Deferred<int> answer(Reactor&) { co_return 3; }

TEST_CASE("the tasks door leads to coroutines that return a Deferred") {
  Reactor reactor;
  CHECK(reactor.run_until(answer(reactor)) == 3);
}

}  // namespace
