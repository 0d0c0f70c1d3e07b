// SPDX-License-Identifier: MIT
//
// adopt: a Stream over a descriptor that somebody else has made. Next: listen.hpp, for one that
// listens.
#pragma once

#include <string>

#include "deferred/io/descriptor.hpp"
#include "deferred/io/stream.hpp"
#include "deferred/memory/api.hpp"

namespace deferred::io {

/// Over a connected socket of TCP or Unix, which is the stream's from now on; that it blocks, or
/// does not, is left as it is. `peer` is what errors name; the socket's own peer, unless it is
/// given. Throws std::system_error, "adopt descriptor 5"; then it is closed. On the reactor of the
/// running task, or a named one.
DEFERRED_API Stream adopt(Descriptor socket, std::string peer = {});
DEFERRED_API Stream adopt(Reactor& reactor, Descriptor socket, std::string peer = {});

}  // namespace deferred::io
