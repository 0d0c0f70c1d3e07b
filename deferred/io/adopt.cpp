// SPDX-License-Identifier: MIT
#include "deferred/io/adopt.hpp"

#include <utility>

#include "deferred/io/detail/socket.hpp"

namespace deferred::io {
Stream adopt(Reactor& reactor, Descriptor socket, std::string peer) {
  const std::string what = "adopt descriptor " + std::to_string(socket.fd());
  detail::take_over(socket, false, what);
  if (peer.empty()) peer = detail::peer_address(socket.fd(), what).unmapped().text();
  return make_stream<detail::SocketTransport>(reactor, std::move(socket), std::move(peer));
}
Stream adopt(Descriptor socket, std::string peer) {
  return adopt(Reactor::current(), std::move(socket), std::move(peer));
}

}  // namespace deferred::io
