// SPDX-License-Identifier: MIT
#include "deferred/io/listen.hpp"

#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "deferred/io/detail/joined_acceptor.hpp"
#include "deferred/io/errors.hpp"
#include "deferred/io/network.hpp"

namespace deferred::io {
namespace {

// Where there is no IPv6, or no IPv4.
bool is_of_the_family(const std::error_code& error) {
  return error == std::errc::address_family_not_supported ||
         error == std::errc::address_not_available;
}

Listener listen_everywhere(Network& network, std::uint16_t port, const ListenOptions& options) {
  try {
    return network.listen(Address::any_ipv6(port), options);
  } catch (const std::system_error& error) {
    if (!is_of_the_family(error.code())) throw;
  }
  return network.listen(Address::any_ipv4(port), options);
}

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
      if (!is_of_the_family(error.code())) throw;
      return network.listen(four, options);
    }
    try {
      both.push_back(network.listen(four.with_port(both.front().port()), options));
    } catch (const std::system_error& error) {
      if (is_of_the_family(error.code())) return std::move(both.front());
      if (port != 0 || error.code() != std::errc::address_in_use || tries == most_tries) throw;
      continue;
    }
    return Listener(AcceptorPointer::make<detail::JoinedAcceptor>(std::move(both)));
  }
}

}  // namespace

Listener listen(Reactor& reactor, std::string_view host, std::uint16_t port,
                const ListenOptions& options) {
  Network& network = current_network(reactor);
  if (host == "*") return listen_everywhere(network, port, options);
  if (host == "localhost") return listen_on_localhost(network, port, options);
  const auto at = Address::ip(host, port);
  if (!at) {
    const std::string what = "listen on " + host_and_port(host, port);
    throw std::system_error(Errc::not_an_address,
                            host.empty() ? what + ": '*' is everywhere" : what);
  }
  return network.listen(*at, options);
}

Listener listen(std::string_view host, std::uint16_t port, const ListenOptions& options) {
  return listen(Reactor::current(), host, port, options);
}

}  // namespace deferred::io
