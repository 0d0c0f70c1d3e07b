// SPDX-License-Identifier: MIT
// expect: an override must give the same
#include "deferred/tasks/value.hpp"
#include "deferred/yieldables/pause.hpp"

void override(deferred::Reactor& reactor) {
  auto registration = reactor.registry().when_type<deferred::Pause>(
      [](const deferred::Pause&, deferred::Waiter<int> w) { w.resume(1); });
}
