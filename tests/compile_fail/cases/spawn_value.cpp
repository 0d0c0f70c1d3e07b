// SPDX-License-Identifier: MIT
// expect: spawn: this cannot be awaited. Give it a Task, a callable that makes one
#include "deferred/tasks/spawn.hpp"

void value(deferred::Reactor& reactor) { deferred::spawn(reactor, 3); }
