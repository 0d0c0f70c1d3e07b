// SPDX-License-Identifier: MIT
//
// Asio, stand-alone: a coroutine a connection, awaitable<void>, on one thread.
#include <array>
#include <asio.hpp>

#include "server.hpp"

namespace {

using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;

awaitable<void> serve(tcp::socket socket) {
  std::array<char, echo::room> buffer;
  try {
    while (true) {
      const std::size_t got = co_await socket.async_read_some(asio::buffer(buffer), use_awaitable);
      co_await asio::async_write(socket, asio::buffer(buffer, got), use_awaitable);
    }
  } catch (const std::system_error&) {  // the end of the connection is one, too
  }
}

awaitable<void> accept_all(tcp::acceptor& acceptor) {
  while (true) {
    tcp::socket socket = co_await acceptor.async_accept(use_awaitable);
    socket.set_option(tcp::no_delay(true));
    asio::co_spawn(acceptor.get_executor(), serve(std::move(socket)), asio::detached);
  }
}

}  // namespace

int main() {
  asio::io_context io(1);
  tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  acceptor.listen(1024);
  asio::co_spawn(io, accept_all(acceptor), asio::detached);
  echo::announce(acceptor.local_endpoint().port());
  io.run();
}
