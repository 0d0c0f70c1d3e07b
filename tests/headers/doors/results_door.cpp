// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "deferred/results.hpp"

using namespace deferred;

namespace {

TEST_CASE("the results door leads to all that needs no reactor") {
  auto [promise, deferred] = make_deferred<int>();
  Outcome<int> left(Failure(AbandonedError("not yet")));
  std::move(deferred).add_both([&](Outcome<int> outcome) { left = std::move(outcome); }).detach();

  promise.callback(3);

  CHECK(*left == 3);
}

}  // namespace
