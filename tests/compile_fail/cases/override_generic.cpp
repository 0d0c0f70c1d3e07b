// SPDX-License-Identifier: MIT
// expect: neither overloaded nor generic
#include "deferred/tasks/value.hpp"
#include "deferred/yieldables/pause.hpp"

void override(deferred::Reactor& reactor) {
  auto registration =
      reactor.registry().when_type<deferred::Pause>([](const auto&, auto w) { w.resume(); });
}
