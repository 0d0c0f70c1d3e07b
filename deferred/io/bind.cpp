// SPDX-License-Identifier: MIT
#include "deferred/io/bind.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <system_error>
#include <utility>

#include "deferred/io/detail/datagram_socket.hpp"
#include "deferred/io/detail/endpoint_kinds.hpp"
#include "deferred/io/detail/socket.hpp"
#include "deferred/io/endpoint.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/yieldables/cancel_point.hpp"

namespace deferred::io {

Datagram bind(Reactor& reactor, std::string_view endpoint, const ListenOptions& options) {
  const Endpoint parsed = Endpoint::parse(endpoint);
  const auto kind = reactor.service<detail::Kinds>().of(parsed);
  return kind->bind(reactor, parsed, options);
}
Datagram bind(std::string_view endpoint, const ListenOptions& options) {
  return io::bind(Reactor::current(), endpoint, options);
}

Task<Datagram> connect_datagram(std::string endpoint, ConnectOptions options) {
  co_await cancel_point;
  Endpoint parsed = Endpoint::parse(endpoint);
  const auto kind = Reactor::current().service<detail::Kinds>().of(parsed);
  Task<Datagram> connecting = kind->connect_datagram(std::move(parsed), options);
  co_return co_await unlisted(std::move(connecting));
}

Datagram adopt_datagram(Reactor& reactor, Descriptor socket) {
  const std::string what = "adopt descriptor " + std::to_string(socket.fd());
  const int domain = detail::option(socket.fd(), SO_DOMAIN, what);
  const bool is_known = domain == AF_INET || domain == AF_INET6 || domain == AF_UNIX;
  if (!is_known || detail::option(socket.fd(), SO_TYPE, what) != SOCK_DGRAM) {
    throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                            what + ": it is no socket of datagrams, of UDP or Unix");
  }
  ::fcntl(socket.fd(), F_SETFD, FD_CLOEXEC);
  std::optional<Address> peer;
  try {
    peer = detail::peer_address(socket.fd(), what).unmapped();
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::not_connected) throw;
  }
  return Datagram(DatagramPointer::make<detail::SocketDatagrams>(
      reactor, std::move(socket), detail::BoundPath(), std::move(peer)));
}
Datagram adopt_datagram(Descriptor socket) {
  return adopt_datagram(Reactor::current(), std::move(socket));
}

}  // namespace deferred::io
