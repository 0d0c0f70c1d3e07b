// SPDX-License-Identifier: MIT
#include "deferred/io/connect.hpp"

#include <system_error>
#include <utility>

#include "deferred/io/detail/socket.hpp"
#include "deferred/io/errors.hpp"
#include "deferred/yieldables/cancel_point.hpp"

namespace deferred::io {

Task<TcpStream> connect(std::string host, std::uint16_t port) {
  Task<TcpStream> connecting = connect(Reactor::current(), std::move(host), port);
  co_return co_await unlisted(std::move(connecting));
}

Task<TcpStream> connect(Reactor& reactor, std::string host, std::uint16_t port) {
  co_await cancel_point;
  const std::string what = "connect to " + detail::host_and_port(host, port);
  std::error_code error;
  for (const detail::Address& to : detail::Address::of(host, port, what)) {
    error.clear();
    detail::SocketPointer socket;
    try {
      socket = detail::SocketPointer::make(reactor, to, to.text(), what);
    } catch (const std::system_error& no_socket) {
      error = no_socket.code();  // as for ::1 where there is no IPv6
      continue;
    }
    bool connected = socket->connect(to, error);
    while (!connected && !error) {
      co_await socket->wait_writable();
      connected = socket->finish_connect(error);
    }
    if (connected) {
      socket->writable.ignore();
      socket->send_without_delay();
      co_return TcpStream(socket);
    }
  }
  throw std::system_error(error, what);
}

}  // namespace deferred::io
