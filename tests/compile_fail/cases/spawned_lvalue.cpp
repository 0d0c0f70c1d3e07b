// SPDX-License-Identifier: MIT
//
// Callbacks added to a Spawned that is not moved.
// expect: a Deferred has one consumer
#include "deferred/tasks.hpp"

using namespace deferred;

Task<int> one() { co_return 1; }

void adds(Reactor& reactor) {
  Spawned<int> spawned = spawn(reactor, one());
  spawned.add_callback([](int) {});
}

int main() {}
