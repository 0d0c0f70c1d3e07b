// SPDX-License-Identifier: MIT
//
// connect: a Stream to somebody who listens. Next: stream.hpp.
#pragma once

#include <cstdint>
#include <string>

#include "deferred/io/connect_options.hpp"
#include "deferred/io/stream.hpp"
#include "deferred/memory/api.hpp"

namespace deferred::io {

/// Connects to what an endpoint says (endpoint.hpp):
///
///     tcp:HOST:PORT   as connect(HOST, PORT)
///     unix:PATH       unix:@NAME for an abstract name
///     fd:N            a connected socket that was handed down, as adopt()
///     stdio:          reads standard input and writes standard output, as standard.hpp has them
///     process:PROGRAM:ARGUMENT...   with option `directory=`: a child, whose output it reads and
///                     whose input it writes; what it complains of goes where this process does
///
/// or of a kind that a library has added (endpoint_kinds.hpp). Throws std::system_error: what
/// connecting comes to, "connect to unix:/run/x: Connection refused", or Errc::bad_endpoint.
/// Cancelled, it leaves nothing behind.
///
/// A child whose stream is closed reads the end of its input, and has 5 s to end by itself, and 5 s
/// more behind a SIGTERM; then it is killed, with its group, as it is at once by abort() and by the
/// reactor's end. How it ends is not told: there is Process for that (process.hpp).
DEFERRED_API Task<Stream> connect(std::string endpoint, ConnectOptions options = {});

/// The same as tcp:HOST:PORT. Connects to a host, an IPv4 or IPv6 address, "localhost" or a name,
/// over the current network (network.hpp). Of several addresses IPv6 and IPv4 take turns, the next
/// one is tried when the one before has failed or has had 250 ms, and the first that answers wins;
/// the others are closed by then (RFC 8305). Throws std::system_error: "connect to 127.0.0.1:10002:
/// Connection refused", for several addresses with each one's error.
DEFERRED_API Task<Stream> connect(std::string host, std::uint16_t port,
                                  ConnectOptions options = {});

}  // namespace deferred::io
