// SPDX-License-Identifier: MIT
#include "deferred/io/detail/datagram_kinds.hpp"

#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "deferred/io/detail/endpoint_kinds.hpp"
#include "deferred/io/detail/happy_eyeballs.hpp"
#include "deferred/io/detail/hosts.hpp"
#include "deferred/io/detail/operations.hpp"
#include "deferred/io/errors.hpp"
#include "deferred/io/network.hpp"
#include "deferred/tasks/cancel_scope.hpp"

namespace deferred::io::detail {
namespace {

// An address of its own, of the peer's family.
Address free_address(const Address& peer) {
  switch (peer.family()) {
    case Address::Family::ipv4:
      return Address::any_ipv4(0);
    case Address::Family::ipv6:
      return Address::any_ipv6(0);
    default:
      return Address();
  }
}

Datagram connected_to(Network& network, const Address& peer) {
  Datagram made = network.bind(free_address(peer), {});
  made.connect(peer);
  return made;
}

Datagram connected_to_first(Network& network, const std::vector<Address>& addresses,
                            Attempts& attempts) {
  std::error_code last = Errc::not_an_address;
  for (const Address& address : addresses) {
    try {
      return connected_to(network, address);
    } catch (const std::system_error& error) {
      last = error.code();
      if (last == Errc::not_supported) throw;  // of the network, whatever the address is
      attempts.note(address, last);
    }
  }
  attempts.fail(last);
}

Task<Datagram> connect_udp(std::string host, std::uint16_t port, ConnectOptions options) {
  Network& network = current_network();
  Attempts attempts(connecting + host_and_port(host, port), network, options.stagger);
  Task<std::vector<Address>> looking_up = addresses_of(network, std::move(host), port);
  const auto found = co_await move_on_after(options.limit, std::move(looking_up));
  if (!found) attempts.fail(std::make_error_code(std::errc::timed_out));
  co_return connected_to_first(network, *found, attempts);
}

Task<Datagram> connect_unix_datagram(Address peer) {
  co_return connected_to(current_network(), peer);
}

}  // namespace

Task<Stream> DatagramKind::connect(Endpoint endpoint, ConnectOptions) {
  endpoint.refuse("it is of datagrams: connect_datagram()");
}
Listener DatagramKind::listen(Reactor&, const Endpoint& endpoint, const ListenOptions&) {
  endpoint.refuse("it is of datagrams: bind()");
}

Datagram UdpKind::bind(Reactor& reactor, const Endpoint& endpoint, const ListenOptions& options) {
  if (endpoint.parts().size() == 1) {
    endpoint.refuse("who binds names a host: udp:HOST:PORT; '*' is everywhere");
  }
  endpoint.require("udp:HOST:PORT", 2, 2, {"share_port"});
  const ListenOptions given = options_of(endpoint, options);
  const std::string& host = endpoint.part(0);
  const std::uint16_t port = endpoint.port(1);
  if (host == "localhost") endpoint.refuse("localhost is 127.0.0.1 and [::1]: name one");
  Network& network = current_network(reactor);
  const auto bind_at = [&](const Address& at) { return network.bind(at, given); };
  return host == "*" ? everywhere(port, bind_at) : bind_at(literal(binding, host, port));
}

Task<Datagram> UdpKind::connect_datagram(Endpoint endpoint, ConnectOptions options) {
  endpoint.require("udp:HOST:PORT", 2, 2);
  const std::uint16_t port = endpoint.port(1);
  if (port == 0) endpoint.refuse("a peer has a port");
  return connect_udp(endpoint.part(0), port, options);
}

Datagram UnixDatagramKind::bind(Reactor& reactor, const Endpoint& endpoint,
                                const ListenOptions& options) {
  endpoint.require("unixgram:PATH", 1, 1, {"mode"});
  return current_network(reactor).bind(Address::unix_path(endpoint.part(0)),
                                       options_of(endpoint, options));
}

Task<Datagram> UnixDatagramKind::connect_datagram(Endpoint endpoint, ConnectOptions) {
  endpoint.require("unixgram:PATH", 1, 1);
  return connect_unix_datagram(Address::unix_path(endpoint.part(0)));
}

}  // namespace deferred::io::detail
