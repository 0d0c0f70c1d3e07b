// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "deferred/threads.hpp"

using namespace deferred;

namespace {

Task<int> there() {
  ThreadPool pool(1);
  Deferred<int> one = defer_to_thread(pool, [] { return 1; });
  const int two = co_await in_thread(pool, [] { return 2; });
  co_return co_await std::move(one) + two;
}

TEST_CASE("the threads door leads to functions in threads") {
  Reactor reactor;
  CHECK(reactor.run(there()) == 3);
}

}  // namespace
