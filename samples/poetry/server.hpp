// SPDX-License-Identifier: MIT
//
// The half that the poetry servers share: they listen, say where, and answer each connection in a
// microthread of its own, until SIGINT or SIGTERM.
#pragma once

#include <deferred/deferred.hpp>

#include <chrono>
#include <functional>
#include <string>

#include "samples/poetry/arguments.hpp"

namespace poetry {

/// One connection, from its beginning to its end.
using Answer = std::function<deferred::Task<void>(deferred::io::Stream)>;

/// A client that lets its server wait for longer is let go.
inline constexpr std::chrono::minutes longest_wait{1};

/// Prints "serving WHAT on HOST:PORT" once it listens, and what goes wrong on standard error. The
/// connection is closed when `answer` is done with it. Gives the exit status.
int serve(const ServerArguments& arguments, const std::string& what, Answer answer);

}  // namespace poetry
