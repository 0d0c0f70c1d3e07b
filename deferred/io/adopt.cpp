// SPDX-License-Identifier: MIT
#include "deferred/io/adopt.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <system_error>
#include <utility>

#include "deferred/io/detail/socket.hpp"
#include "deferred/io/detail/socket_acceptor.hpp"

namespace deferred::io {
namespace {

std::string text_of(const Descriptor& descriptor) {
  return "adopt descriptor " + std::to_string(descriptor.fd());
}

void stop_blocking(const Descriptor& descriptor) {
  const int flags = ::fcntl(descriptor.fd(), F_GETFL);
  if (flags < 0 || ::fcntl(descriptor.fd(), F_SETFL, flags | O_NONBLOCK) != 0) {
    throw std::system_error(detail::last_error(), text_of(descriptor));
  }
}

// Throws std::errc::invalid_argument for what the descriptor is not.
void require(const Descriptor& socket, int option, int value) {
  int found = 0;
  socklen_t size = sizeof found;
  if (::getsockopt(socket.fd(), SOL_SOCKET, option, &found, &size) != 0) {
    throw std::system_error(detail::last_error(), text_of(socket));
  }
  if (found != value) {
    throw std::system_error(std::make_error_code(std::errc::invalid_argument), text_of(socket));
  }
}

}  // namespace

Stream adopt(Reactor& reactor, Descriptor socket, std::string peer) {
  require(socket, SO_TYPE, SOCK_STREAM);
  require(socket, SO_ACCEPTCONN, 0);
  stop_blocking(socket);
  if (peer.empty()) peer = detail::peer_address(socket.fd(), text_of(socket)).unmapped().text();
  return make_stream<detail::SocketTransport>(reactor, std::move(socket), std::move(peer));
}
Stream adopt(Descriptor socket, std::string peer) {
  return adopt(Reactor::current(), std::move(socket), std::move(peer));
}

Listener adopt_listener(Reactor& reactor, Descriptor socket) {
  require(socket, SO_TYPE, SOCK_STREAM);
  require(socket, SO_ACCEPTCONN, 1);
  stop_blocking(socket);
  return Listener(AcceptorPointer::make<detail::SocketAcceptor>(reactor, std::move(socket),
                                                                detail::BoundPath()));
}
Listener adopt_listener(Descriptor socket) {
  return adopt_listener(Reactor::current(), std::move(socket));
}

}  // namespace deferred::io
