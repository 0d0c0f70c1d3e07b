// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "deferred/yieldables.hpp"

using namespace deferred;

namespace {

Task<bool> times_out() {
  auto limited = with_timeout(Duration(1), Pause{std::chrono::hours(1)});
  const Outcome<void> outcome = co_await as_outcome(std::move(limited));
  co_return outcome.check<TimeoutError>() != nullptr;
}

TEST_CASE("the yieldables door leads to all that a task can wait for") {
  Reactor reactor;
  CHECK(reactor.run_until(times_out()));
}

}  // namespace
