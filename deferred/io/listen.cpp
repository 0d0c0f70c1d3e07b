// SPDX-License-Identifier: MIT
#include "deferred/io/listen.hpp"

#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "deferred/io/detail/endpoint_kinds.hpp"
#include "deferred/io/detail/hosts.hpp"
#include "deferred/io/detail/joined_acceptor.hpp"
#include "deferred/io/detail/operations.hpp"
#include "deferred/io/detail/socket.hpp"
#include "deferred/io/detail/socket_acceptor.hpp"
#include "deferred/io/endpoint.hpp"
#include "deferred/io/errors.hpp"
#include "deferred/io/network.hpp"

namespace deferred::io {
namespace {

using detail::listening;

std::string what_of(const Address& at) { return listening + at.text(); }

// Who connects to localhost tries ::1 and then 127.0.0.1, and so finds this at either. A port that
// the first was given may be taken at the second: then another is asked for.
Listener listen_on_localhost(Network& network, std::uint16_t port, const ListenOptions& options) {
  constexpr int most_tries = 100;
  const Address six = Address::ip("::1", port).value();
  const Address four = Address::ip("127.0.0.1", port).value();
  for (int tries = 1;; ++tries) {
    std::vector<Listener> both;
    try {
      both.push_back(network.listen(six, options));
    } catch (const std::system_error& error) {
      if (!detail::is_of_the_family(error.code())) throw;
      return network.listen(four, options);
    }
    try {
      both.push_back(network.listen(four.with_port(both.front().port()), options));
    } catch (const std::system_error& error) {
      if (detail::is_of_the_family(error.code())) return std::move(both.front());
      if (port != 0 || error.code() != std::errc::address_in_use || tries == most_tries) throw;
      continue;
    }
    return Listener(AcceptorPointer::make<detail::JoinedAcceptor>(std::move(both)));
  }
}

}  // namespace

Listener listen(Reactor& reactor, std::string_view endpoint, const ListenOptions& options) {
  const Endpoint parsed = Endpoint::parse(endpoint);
  const auto kind = reactor.service<detail::Kinds>().of(parsed);
  return kind->listen(reactor, parsed, options);
}
Listener listen(std::string_view endpoint, const ListenOptions& options) {
  return listen(Reactor::current(), endpoint, options);
}

Listener listen(Reactor& reactor, Descriptor socket) {
  detail::take_over(socket, true, "listen on descriptor " + std::to_string(socket.fd()));
  return Listener(AcceptorPointer::make<detail::SocketAcceptor>(reactor, std::move(socket),
                                                                detail::BoundPath()));
}
Listener listen(Descriptor socket) { return listen(Reactor::current(), std::move(socket)); }

Descriptor open_listener(std::string_view endpoint, const ListenOptions& options) {
  const Endpoint parsed = Endpoint::parse(endpoint);
  if (parsed.kind() == "unix") {
    detail::require_unix_listener(parsed);
    const Address at = Address::unix_path(parsed.part(0));
    return detail::listening_socket(at, detail::options_of(parsed, options), what_of(at));
  }
  if (parsed.kind() != "tcp") parsed.refuse("what is opened without a reactor is tcp or unix");
  detail::require_tcp_listener(parsed);
  const ListenOptions given = detail::options_of(parsed, options);
  const std::string& host = parsed.part(0);
  if (host == "localhost") parsed.refuse("localhost is 127.0.0.1 and [::1]: name one");
  if (host == "*") {
    return detail::everywhere(parsed.port(1), [&](const Address& at) {
      return detail::listening_socket(at, given, what_of(at));
    });
  }
  const Address at = detail::literal(listening, host, parsed.port(1));
  return detail::listening_socket(at, given, what_of(at));
}

Listener listen(Reactor& reactor, std::string_view host, std::uint16_t port,
                const ListenOptions& options) {
  Network& network = current_network(reactor);
  if (host == "localhost") return listen_on_localhost(network, port, options);
  const auto listen_at = [&](const Address& at) { return network.listen(at, options); };
  return host == "*" ? detail::everywhere(port, listen_at)
                     : listen_at(detail::literal(listening, host, port));
}

Listener listen(std::string_view host, std::uint16_t port, const ListenOptions& options) {
  return listen(Reactor::current(), host, port, options);
}

}  // namespace deferred::io
