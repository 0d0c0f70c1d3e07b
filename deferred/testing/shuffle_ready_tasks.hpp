// SPDX-License-Identifier: MIT
//
// shuffle_ready_tasks: does a program hang on the order in which its tasks happen to go on? With a
// seed they go on in another one, and with that seed again in the same. For tests, in the library
// deferred-testing. Next: reactor/round_order.hpp, which it is made of.
#pragma once

#include <cstdint>
#include <optional>

#include "deferred/memory/api.hpp"
#include "deferred/reactor/reactor.hpp"

namespace deferred::testing {

/// From the next round on, what stands ready when a round begins runs in a random order that hangs
/// on `seed` alone, until the reactor is gone or is given another one; nothing: as it became ready.
/// Each order of a round is as likely as any other, and legal: all that stands there has the same
/// right to be next. It stays that posts, calls of threads and timers that are due at the same time
/// keep their order, that who stands in a line for a Lock, a Semaphore or a Channel is served in
/// its turn, and that what becomes ready in a round is of the next one.
///
/// `for (std::uint64_t seed = 0; seed < 200; ++seed)` a program with a fault of that kind - a lost
/// wake-up, a check that an await makes stale - will fail. With a seed it does the same each time,
/// on every platform, if it leaves nothing else to chance: on virtual time, without other threads,
/// and with a testing::Random of the same seed where it needs one.
DEFERRED_API void shuffle_ready_tasks(Reactor& reactor, std::optional<std::uint64_t> seed);

}  // namespace deferred::testing
