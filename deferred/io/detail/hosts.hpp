// SPDX-License-Identifier: MIT
//
// What the host of an endpoint stands for: of who listens and binds, addresses of this machine; of
// who connects, those of the peer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "deferred/io/address.hpp"
#include "deferred/io/network.hpp"
#include "deferred/tasks/task.hpp"

namespace deferred::io::detail {

/// Where there is no IPv6, or no IPv4.
bool is_of_the_family(const std::error_code& error);

/// What `*` is: one socket of both families, or of IPv4 where there is no IPv6.
template <class F>
auto everywhere(std::uint16_t port, F at) {
  try {
    return at(Address::any_ipv6(port));
  } catch (const std::system_error& error) {
    if (!is_of_the_family(error.code())) throw;
  }
  return at(Address::any_ipv4(port));
}

/// An address that is written down. Errc::not_an_address, behind `what`, for another host.
Address literal(const char* what, std::string_view host, std::uint16_t port);

/// Of localhost and literals known, of others looked up.
Task<std::vector<Address>> addresses_of(Network& network, std::string host, std::uint16_t port);

}  // namespace deferred::io::detail
