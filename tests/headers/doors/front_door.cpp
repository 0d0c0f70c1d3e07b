// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "deferred/deferred.hpp"

using namespace deferred;

namespace {

Deferred<int> later(int value) {
  co_await Pause{};
  co_return value;
}

Task<int> all_at_once() {
  Deferred<int> limited = add_timeout(later(1), std::chrono::hours(1));
  const int two = co_await spawn(later, 2);
  co_return co_await std::move(limited) + two;
}

TEST_CASE("the front door leads to all of the library") {
  Reactor reactor;
  CHECK(reactor.run(all_at_once()) == 3);
}

}  // namespace
