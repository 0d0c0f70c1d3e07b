// SPDX-License-Identifier: MIT
#include "deferred/io/pipe.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <system_error>

#include "deferred/io/detail/fd_transport.hpp"
#include "deferred/io/detail/socket.hpp"
#include "deferred/reactor/reactor.hpp"

namespace deferred::io {

using detail::FdSide;
using detail::FdTransport;

Pipe make_pipe(Reactor& reactor) {
  int ends[2];
  if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) {
    throw std::system_error(detail::last_error(), "make a pipe");
  }
  FdSide in{Descriptor(ends[0]), FdSide::Kind::pipe, false};
  FdSide out{Descriptor(ends[1]), FdSide::Kind::pipe, false};
  Stream reads = make_stream<FdTransport>(reactor, std::move(in), FdSide(), "a pipe");
  Stream writes = make_stream<FdTransport>(reactor, FdSide(), std::move(out), "a pipe");
  return Pipe(std::move(reads), std::move(writes));
}
Pipe make_pipe() { return make_pipe(Reactor::current()); }

}  // namespace deferred::io
