// SPDX-License-Identifier: MIT
//
// make_pipe: a pipe of the system's as two streams. Next: standard.hpp, process.hpp.
#pragma once

#include <utility>

#include "deferred/io/stream.hpp"
#include "deferred/memory/api.hpp"

namespace deferred::io {

/// The ends of a pipe. Writing to `in` throws Errc::not_supported, and so does reading from `out`.
class Pipe {
 public:
  Pipe(Stream reads, Stream writes) noexcept : in(std::move(reads)), out(std::move(writes)) {}
  Stream in;  ///< Reads what is written to `out`.
  Stream out;
};

/// A pipe; children inherit neither end. Throws std::system_error. On the reactor of the running
/// task, or a named one.
DEFERRED_API Pipe make_pipe();
DEFERRED_API Pipe make_pipe(Reactor& reactor);

}  // namespace deferred::io
