// SPDX-License-Identifier: MIT
//
// Connected streams over what the system has beside sockets that are listened at: for kinds.cpp.
#pragma once

#include "deferred/reactor/reactor.hpp"
#include "deferred/testing/stream_pair.hpp"

namespace deferred::testing {

/// Sockets that somebody else has made, and which do not block, or do.
StreamPair adopted_pair(Reactor& reactor);
StreamPair adopted_blocking_pair(Reactor& reactor);

/// Standard output is the near end, and standard input the far one; what is between is a pipe, one
/// way, or sockets.
StreamPair standard_pipe_pair(Reactor& reactor);
StreamPair standard_socket_pair(Reactor& reactor);

/// Standard output is a terminal, in raw mode, and the far end its other side. One way.
StreamPair terminal_pair(Reactor& reactor);
/// There are terminals here.
bool has_terminals();

}  // namespace deferred::testing
