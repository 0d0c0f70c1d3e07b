// SPDX-License-Identifier: MIT
//
// connect: a TCP connection to somebody who listens. Next: tcp_stream.hpp.
#pragma once

#include <cstdint>
#include <string>

#include "deferred/io/tcp_stream.hpp"
#include "deferred/memory/api.hpp"

namespace deferred::io {

/// Connects to an IPv4 or IPv6 address, or to "localhost" (::1, and if that fails 127.0.0.1). Other
/// names are Errc::not_an_address. The error of the last attempt is thrown as std::system_error:
/// "connect to 127.0.0.1:10002: Connection refused". Gives up when the kernel does, after minutes:
/// `co_await with_timeout(10s, connect(...))`. Cancelled, it closes the half-made connection. On
/// the reactor of the task that awaits it.
DEFERRED_API Task<TcpStream> connect(std::string host, std::uint16_t port);
/// The same on a reactor that is named. REQUIRES: awaited there.
DEFERRED_API Task<TcpStream> connect(Reactor& reactor, std::string host, std::uint16_t port);

}  // namespace deferred::io
