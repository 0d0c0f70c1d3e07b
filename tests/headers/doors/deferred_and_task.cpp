// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "deferred/results/deferred.hpp"
#include "deferred/tasks/task.hpp"

using namespace deferred;

namespace {

Task<int> sum(Deferred<int> first, SharedDeferred<int> second) {
  const int given = co_await std::move(first);
  const int& read = co_await second;
  co_return given + read;
}

TEST_CASE("with the headers of a Deferred and of a task, a Deferred is awaited and shared") {
  Reactor reactor;
  CHECK(reactor.run_until(sum(succeed(1), succeed(2).share())) == 3);
}

}  // namespace
