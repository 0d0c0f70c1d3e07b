// SPDX-License-Identifier: MIT
//
// What all echo servers of W8 share: where they listen, how they are found and asked what they
// cost. Each server sends back what it receives, with the means of one peer, in 4 KiB buffers and
// without Nagle's delay. Knows no peer. Next: raw.cpp for the shortest server, ../echo.py for who
// starts them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace echo {

/// Room for what one read takes.
inline constexpr std::size_t room = 4096;

/// A socket that listens on a free port of 127.0.0.1, non-blocking.
[[nodiscard]] int listen_on_loopback();
/// The local port of a socket.
[[nodiscard]] std::uint16_t port_of(int socket);
/// Takes a connection, non-blocking and with TCP_NODELAY; -1 if there is none.
[[nodiscard]] int accept_from(int listener);
void send_without_delay(int socket);

/// Prints "PORT PID" as a line: the server can be connected to. From then on each SIGUSR2 makes it
/// print a line "USER SYSTEM", the microseconds of CPU it has used, and, under callgrind, dump what
/// it has counted since the dump before.
void announce(std::uint16_t port);

}  // namespace echo
