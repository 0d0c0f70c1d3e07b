// SPDX-License-Identifier: MIT
//
// Coroutines that await, catch, act and end in random ways.
#pragma once

#include <cstdint>

#include "tests/fuzz/world.hpp"

namespace deferred::fuzz {

/// What most microthreads are. Each await is a subtask's; so are some of the calls of `depth`.
Task<Item> body(World& world, std::uint64_t seed, TaskRecordPointer self, unsigned depth);
/// The same as a Deferred coroutine, which runs at once; on that reactor, or on the one that it
/// finds.
Deferred<Item> at_once(Reactor& reactor, World& world, std::uint64_t seed, TaskRecordPointer self);
Deferred<Item> at_once(World& world, std::uint64_t seed, TaskRecordPointer self);
/// Awaits something, plainly or decorated.
Task<Item> some_await(World& world, std::uint64_t seed, TaskRecordPointer self, unsigned depth);

}  // namespace deferred::fuzz
