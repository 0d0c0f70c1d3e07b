// SPDX-License-Identifier: MIT
// expect: spawn: this callable returns nothing that can be awaited. Make it a coroutine
#include "deferred/tasks/spawn.hpp"

void call(deferred::Reactor& reactor) {
  deferred::spawn(reactor, [] { return 3; });
}
