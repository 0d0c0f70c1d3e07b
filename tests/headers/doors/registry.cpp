// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "deferred/reactor/registry.hpp"
#include "deferred/yieldables/pause.hpp"

using namespace deferred;

namespace {

Task<int> naps() {
  co_await Pause{std::chrono::hours(1)};
  co_return 3;
}

TEST_CASE("with the headers of the registry and of a yieldable, a handler is registered for it") {
  Reactor reactor;
  const Registration registration = reactor.registry().when_type<Pause>(
      [](const Pause&, Waiter<void> waiter) { waiter.resume(); });

  CHECK(reactor.run(naps()) == 3);
}

}  // namespace
