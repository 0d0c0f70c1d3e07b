// SPDX-License-Identifier: MIT
//
// The course's echo server, as tasks of pyos. Next: echo_server.cpp, its program.
#pragma once

#include "samples/pyos/sockets.hpp"

namespace pyos {

/// Sends back what comes, until there is no more. (The course: handle_client)
Task<> handle_client(Socket client);
/// Gives each client that comes a task of its own, until it is killed. (The course: server)
Task<> echo_server(Socket listener);

}  // namespace pyos
