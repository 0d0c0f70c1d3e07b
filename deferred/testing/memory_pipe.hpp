// SPDX-License-Identifier: MIT
//
// memory_pipe: two streams that are joined in memory, for tests of protocols: no socket, no name,
// nothing of the machine. In the library deferred-testing. Next: faulty_stream.hpp, which makes of
// any stream one on which something goes wrong.
#pragma once

#include <cstddef>

#include "deferred/memory/api.hpp"
#include "deferred/testing/stream_pair.hpp"

namespace deferred::testing {

/// Two streams: what is written to one is read from the other, in a later turn. Each direction
/// keeps `room` bytes, at least one; a writer that is further ahead of its reader waits.
///
/// Ends are a socket's: close() lets the peer read what was written and then the end, and its
/// writes fail (EPIPE). Closed with bytes unread, or aborted, the peer reads what has come and then
/// ECONNRESET, which its writes get too. They may outlive the reactor and each other. Their peers
/// are "memory pipe, near end" and "memory pipe, far end". On the running reactor, or a named one.
DEFERRED_API StreamPair memory_pipe(std::size_t room = 64 << 10);
DEFERRED_API StreamPair memory_pipe(Reactor& reactor, std::size_t room = 64 << 10);

}  // namespace deferred::testing
