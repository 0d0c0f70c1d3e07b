// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "deferred/reactor.hpp"

using namespace deferred;

namespace {

TEST_CASE("the reactor door leads to the loop and its timers") {
  Reactor reactor;
  bool called = false;
  const DelayedCall call = reactor.call_later(Duration(0), [&] {
    called = true;
    reactor.stop();
  });

  reactor.run();

  CHECK(called);
}

}  // namespace
