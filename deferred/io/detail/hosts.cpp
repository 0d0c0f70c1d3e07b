// SPDX-License-Identifier: MIT
#include "deferred/io/detail/hosts.hpp"

#include <utility>

#include "deferred/io/errors.hpp"

namespace deferred::io::detail {

bool is_of_the_family(const std::error_code& error) {
  return error == std::errc::address_family_not_supported ||
         error == std::errc::address_not_available;
}

Address literal(const char* what, std::string_view host, std::uint16_t port) {
  const auto at = Address::ip(host, port);
  if (at) return *at;
  const std::string text = what + host_and_port(host, port);
  throw std::system_error(Errc::not_an_address, host.empty() ? text + ": '*' is everywhere" : text);
}

Task<std::vector<Address>> addresses_of(Network& network, std::string host, std::uint16_t port) {
  std::vector<Address> found;
  if (host == "localhost") {
    found = {Address::ip("::1", port).value(), Address::ip("127.0.0.1", port).value()};
  } else if (const auto literal = Address::ip(host, port)) {
    found = {*literal};
  } else {
    found = co_await network.look_up(std::move(host));
    for (Address& address : found) address = address.with_port(port);
  }
  co_return found;
}

}  // namespace deferred::io::detail
