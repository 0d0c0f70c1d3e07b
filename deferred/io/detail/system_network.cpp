// SPDX-License-Identifier: MIT
#include "deferred/io/detail/system_network.hpp"

#include <system_error>
#include <utility>

#include "deferred/io/detail/datagram_socket.hpp"
#include "deferred/io/detail/operations.hpp"
#include "deferred/io/detail/socket.hpp"
#include "deferred/io/detail/socket_acceptor.hpp"
#include "deferred/io/detail/unix_path.hpp"
#include "deferred/io/names.hpp"
#include "deferred/yieldables/cancel_point.hpp"
#include "deferred/yieldables/pause.hpp"

namespace deferred::io::detail {
namespace {

constexpr Duration full_queue_pause = std::chrono::milliseconds(5);

}  // namespace

Task<Stream> SystemNetwork::connect(Address to) {
  co_await cancel_point;
  const std::string what = "connect to " + to.text();
  Descriptor made = new_socket(to.family(), false, what);
  const int socket = made.fd();
  auto transport = TransportPointer::make<SocketTransport>(reactor_, std::move(made), to.text());
  Stream stream(transport);  // closes it, whatever comes
  std::error_code error;
  bool connected = begin_connect(socket, to, error);
  // A Unix listener whose queue is full does not let wait for it: connect(2), EAGAIN.
  while (error == std::errc::resource_unavailable_try_again && to.port() == 0) {
    error.clear();
    co_await Pause{full_queue_pause};
    connected = begin_connect(socket, to, error);
  }
  while (!connected && !error) {
    co_await transport->writable().wait();
    connected = finish_connect(socket, error);
  }
  if (!connected) throw std::system_error(error, what);
  transport->writable().ignore();
  if (to.port() != 0) send_without_delay(socket);
  co_return stream;
}

Listener SystemNetwork::listen(const Address& at, const ListenOptions& options) {
  const std::string what = "listen on " + at.text();
  Descriptor socket = listening_socket(at, options, what);
  BoundPath path(at);
  return Listener(
      AcceptorPointer::make<SocketAcceptor>(reactor_, std::move(socket), std::move(path)));
}

Datagram SystemNetwork::bind(const Address& at, const ListenOptions& options) {
  Descriptor socket = bound_socket(at, true, options, binding + at.text());
  BoundPath path(at);
  return Datagram(
      DatagramPointer::make<SocketDatagrams>(reactor_, std::move(socket), std::move(path)));
}

Task<std::vector<Address>> SystemNetwork::look_up(std::string host) {
  co_return co_await names::look_up(std::move(host));
}

}  // namespace deferred::io::detail
