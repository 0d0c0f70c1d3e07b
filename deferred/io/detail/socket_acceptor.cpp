// SPDX-License-Identifier: MIT
#include "deferred/io/detail/socket_acceptor.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <system_error>

#include "deferred/io/detail/operations.hpp"
#include "deferred/io/detail/socket.hpp"

namespace deferred::io::detail {
namespace {

// Of a connection that is gone before it was accepted; accept(2): "treat them like EAGAIN by
// retrying".
bool is_of_the_connection(int error) noexcept {
  switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
      return true;
    default:
      return false;
  }
}

}  // namespace

SocketAcceptor::SocketAcceptor(Reactor& reactor, Descriptor socket, BoundPath path)
    : Acceptor(reactor, connection_waits_),
      socket_(std::move(socket)),
      connection_waits_(reactor, socket_.fd(), Ready::read),
      local_(local_address(socket_.fd(), "address of a listener")),
      path_(std::move(path)) {}

std::string SocketAcceptor::name_of(const Address& peer) const {
  if (peer.family() == Address::Family::unnamed) return "a client of " + local_.text();
  return peer.unmapped().text();
}

TransportPointer SocketAcceptor::try_accept() {
  while (true) {
    sockaddr_storage name{};
    socklen_t size = sizeof name;
    Descriptor taken(::accept4(socket_.fd(), reinterpret_cast<sockaddr*>(&name), &size,
                               SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (taken) {
      const Address peer = Address::from_native(std::as_bytes(std::span(&name, 1)).first(size));
      if (peer.port() != 0) send_without_delay(taken.fd());
      return TransportPointer::make<SocketTransport>(reactor(), std::move(taken), name_of(peer));
    }
    if (would_block()) return {};
    if (!is_of_the_connection(errno)) {
      throw std::system_error(last_error(), accepting + local_.text());
    }
  }
}

void SocketAcceptor::do_close() noexcept {
  connection_waits_.forget();
  path_.remove();
  socket_.close();
}

}  // namespace deferred::io::detail
