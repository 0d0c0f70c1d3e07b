// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "deferred/results/deferred.hpp"

using namespace deferred;

namespace {

TEST_CASE("with the header of a Deferred, it is shared and given callbacks") {
  const SharedDeferred<int> shared = succeed(3).share();

  int seen = 0;
  shared.add_callback([&](const int& value) { seen = value; }).detach();

  CHECK(seen == 3);
}

}  // namespace
