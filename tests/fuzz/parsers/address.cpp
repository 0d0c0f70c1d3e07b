// SPDX-License-Identifier: MIT
//
// Texts that may be addresses, and bytes that may be a socket's. An address's text is read back as
// that address, and so are its bytes; a text that is none is told in one that can be shown.
#include "deferred/io/address.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <system_error>

#include <sys/socket.h>

#include "deferred/io/errors.hpp"
#include "tests/fuzz/parsers/target.hpp"

namespace {

using namespace deferred::fuzz;
using deferred::io::Address;
using Family = Address::Family;

std::optional<Address> parsed(std::string_view text) {
  try {
    return Address::parse(text);
  } catch (const std::system_error& error) {
    constexpr std::size_t most_shown = 1000;
    const std::string_view what = error.what();
    holds(error.code() == deferred::io::Errc::not_an_address, "an error is an address's");
    holds(what.starts_with("address '"), "an error names the address");
    holds(what.size() < most_shown, "an error is short");
    holds(std::all_of(what.begin(), what.end(), [](char c) { return c >= ' ' && c <= '~'; }),
          "an error is printable");
    return std::nullopt;
  }
}

bool is_ip(const Address& address) {
  return address.family() == Family::ipv4 || address.family() == Family::ipv6;
}

// Nobody may ask for these two, but a kernel could name them: the abstract name that is empty, and
// a path that has no room for its zero.
bool only_kernel_names(const Address& address) {
  constexpr std::size_t longest_path = 107;
  const std::string host = address.host();
  return host == "@" || (address.native()[2] != std::byte{0} && host.size() > longest_path);
}

void holds_for_ip(const Address& address) {
  const auto again = Address::ip(address.host(), address.port());
  holds(again && *again == address, "a literal and a port are the address");
  const Address other = address.with_port(static_cast<std::uint16_t>(~address.port()));
  holds(other != address && other.host() == address.host(), "another port is another address");
  holds(other.with_port(address.port()) == address, "the port again is the address again");
  const Address plain = address.unmapped();
  holds(plain.unmapped() == plain, "unmapped, it stays");
  holds(plain.port() == address.port(), "unmapped, it has its port");
  holds(!address.is_any() || !address.is_loopback(), "no address is all and the loopback");
}

void holds_for(const Address& address) {
  holds(Address::from_native(address.native()) == address, "an address's bytes are the address");
  const std::string text = address.text();
  holds(std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; }),
        "a text is printable");
  if (address.family() == Family::unnamed) {
    holds(text == "unnamed" && address == Address(), "there is one that is unnamed");
    return;
  }
  if (!is_ip(address) && only_kernel_names(address)) return;
  const std::optional<Address> again = parsed(text);
  holds(again.has_value(), "a text is an address");
  holds(*again == address, "a text is an equal address");
  holds(std::hash<Address>()(*again) == std::hash<Address>()(address), "equal, they have one hash");
  holds(again->text() == text, "equal, they have one text");
  holds(address.port() == 0 || is_ip(address), "Unix has no ports");
  if (is_ip(address)) holds_for_ip(address);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::optional<Address> address = parsed(as_text(bytes, size));
  if (address) holds_for(*address);
  holds_for(Address::from_native(std::as_bytes(std::span(bytes, size))));
  // Behind a family that is known, for a number is seldom one.
  for (const sa_family_t family : {AF_INET, AF_INET6, AF_UNIX}) {
    std::string native(sizeof family, ' ');
    std::memcpy(native.data(), &family, sizeof family);
    native += as_text(bytes, size);
    holds_for(Address::from_native(std::as_bytes(std::span(native))));
  }
  return 0;
}
