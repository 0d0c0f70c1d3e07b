// SPDX-License-Identifier: MIT
//
// ListenOptions: how listen() and open_listener() listen. Next: listen.hpp.
#pragma once

namespace deferred::io {

class ListenOptions {
 public:
  constexpr ListenOptions() noexcept {}
  constexpr explicit ListenOptions(int queue) noexcept : backlog(queue) {}

  /// How many connections the kernel keeps until they are accepted.
  int backlog = 1024;
  /// Of a Unix socket's path, whatever the process's umask is: who may write to it may connect.
  unsigned mode = 0600;
  /// Of TCP and UDP: several sockets, of this user's processes, have the same address, and the
  /// kernel divides what comes among them: one for each reactor of a machine's cores
  /// (SO_REUSEPORT).
  bool share_port = false;
};

}  // namespace deferred::io
