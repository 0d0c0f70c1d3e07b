// SPDX-License-Identifier: MIT
#include "deferred/io/address.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <system_error>

#include "deferred/io/errors.hpp"

namespace deferred::io {
namespace {

constexpr std::size_t before_path = offsetof(sockaddr_un, sun_path);

template <class Native>
Native native_of(std::span<const std::byte> bytes) noexcept {
  Native native{};
  std::memcpy(&native, bytes.data(), std::min(bytes.size(), sizeof native));
  return native;
}
template <class Native>
Address address_of(const Native& native, std::size_t size = sizeof(Native)) noexcept {
  return Address::from_native(std::as_bytes(std::span(&native, 1)).first(size));
}

template <class N>
std::optional<N> number(std::string_view digits) noexcept {
  N value{};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

// What stands after the '%' of a literal: an interface, by its name or number.
std::optional<std::uint32_t> scope_of(const std::string& zone) noexcept {
  if (const auto index = number<std::uint32_t>(zone)) return index;
  const unsigned index = ::if_nametoindex(zone.c_str());
  if (index == 0) return std::nullopt;
  return index;
}

std::string with_scope(const sockaddr_in6& six) {
  char host[INET6_ADDRSTRLEN] = "?";
  ::inet_ntop(AF_INET6, &six.sin6_addr, host, sizeof host);
  if (six.sin6_scope_id == 0) return host;
  char name[IF_NAMESIZE];
  const char* const known = ::if_indextoname(six.sin6_scope_id, name);
  return std::string(host) + "%" + (known ? known : std::to_string(six.sin6_scope_id));
}

bool prints(char letter) noexcept { return letter > ' ' && letter <= '~' && letter != '\\'; }

std::string escaped(std::string_view path) {
  constexpr const char* digits = "0123456789abcdef";
  std::string text;
  for (const char letter : path) {
    if (prints(letter)) {
      text += letter;
    } else {
      const auto byte = static_cast<unsigned char>(letter);
      text += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return text;
}

std::optional<std::string> unescaped(std::string_view text) {
  std::string path;
  while (!text.empty()) {
    if (text[0] != '\\') {
      path += text[0];
      text.remove_prefix(1);
      continue;
    }
    unsigned byte = 0;
    if (text.size() < 4 || text[1] != 'x') return std::nullopt;
    const auto [end, error] = std::from_chars(text.data() + 2, text.data() + 4, byte, 16);
    if (error != std::errc() || end != text.data() + 4) return std::nullopt;
    path += static_cast<char>(byte);
    text.remove_prefix(4);
  }
  return path;
}

[[noreturn]] void refuse(std::string_view text, const char* why) {
  throw std::system_error(Errc::not_an_address,
                          "address '" + escaped(text.substr(0, 200)) + "'" + why);
}

// `shown` is what was given for it.
Address unix_address(bool abstract, std::string_view name, std::string_view shown) {
  if (name.empty()) refuse(shown, ": a path is empty");
  // An abstract name fills the array to its end and has a zero before it, a path one behind it.
  sockaddr_un native{};
  native.sun_family = AF_UNIX;
  if (name.size() >= sizeof native.sun_path) {
    refuse(shown,
           abstract ? ": a name is longer than 107 bytes" : ": a path is longer than 107 bytes");
  }
  if (!abstract && name.find('\0') != std::string_view::npos) refuse(shown, ": a path has a NUL");
  name.copy(native.sun_path + (abstract ? 1 : 0), name.size());
  return address_of(native, before_path + name.size() + (abstract ? 1 : 0));
}

}  // namespace

std::string host_and_port(std::string_view host, std::uint16_t port) {
  std::string text(host);
  if (host.find(':') != std::string_view::npos) text = "[" + text + "]";
  return text + ":" + std::to_string(port);
}

Address::Address() noexcept {
  static_assert(room == sizeof(sockaddr_un));
  const sa_family_t family = AF_UNIX;
  std::memcpy(bytes_.data(), &family, sizeof family);
  size_ = sizeof family;
}

Address Address::from_native(std::span<const std::byte> sockaddr) noexcept {
  Address address;
  const std::size_t size = std::min(sockaddr.size(), room);
  if (size < sizeof(sa_family_t)) return address;
  switch (native_of<sa_family_t>(sockaddr)) {
    case AF_INET: {
      auto four = native_of<sockaddr_in>(sockaddr);
      std::fill(std::begin(four.sin_zero), std::end(four.sin_zero), 0);
      std::memcpy(address.bytes_.data(), &four, address.size_ = sizeof four);
      break;
    }
    case AF_INET6: {
      auto six = native_of<sockaddr_in6>(sockaddr);
      six.sin6_flowinfo = 0;
      std::memcpy(address.bytes_.data(), &six, address.size_ = sizeof six);
      break;
    }
    case AF_UNIX: {
      if (size <= before_path) break;
      // The kernel counts the zero that ends a path; an abstract name begins with one, and may
      // have more.
      auto kept = sockaddr.first(size);
      if (sockaddr[before_path] != std::byte{0}) {
        const auto end = std::find(kept.begin() + before_path, kept.end(), std::byte{0});
        kept = kept.first(static_cast<std::size_t>(end - kept.begin()));
      }
      std::copy(kept.begin(), kept.end(), address.bytes_.begin());
      address.size_ = static_cast<std::uint8_t>(kept.size());
      break;
    }
    default:
      break;
  }
  return address;
}

std::optional<Address> Address::ip(std::string_view literal, std::uint16_t port) {
  if (literal.size() > 100 || literal.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string text(literal);
  sockaddr_in four{};
  if (::inet_pton(AF_INET, text.c_str(), &four.sin_addr) == 1) {
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    return address_of(four);
  }
  sockaddr_in6 six{};
  const std::size_t percent = text.find('%');
  if (::inet_pton(AF_INET6, text.substr(0, percent).c_str(), &six.sin6_addr) != 1) {
    return std::nullopt;
  }
  if (percent != std::string::npos) {
    const auto scope = scope_of(text.substr(percent + 1));
    if (!scope) return std::nullopt;
    six.sin6_scope_id = *scope;
  }
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(port);
  return address_of(six);
}

Address Address::unix_path(std::string_view path) {
  const bool abstract = path.starts_with('@');
  if (path.find('\0') != std::string_view::npos) refuse(path, ": a path has a NUL");
  return unix_address(abstract, path.substr(abstract ? 1 : 0), path);
}

Address Address::any_ipv4(std::uint16_t port) noexcept {
  sockaddr_in four{};
  four.sin_family = AF_INET;
  four.sin_port = htons(port);
  return address_of(four);
}
Address Address::any_ipv6(std::uint16_t port) noexcept {
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(port);
  return address_of(six);
}

Address Address::parse(std::string_view text) {
  if (text.starts_with("unix:")) {
    const bool abstract = text.substr(5).starts_with('@');
    const auto name = unescaped(text.substr(abstract ? 6 : 5));
    if (!name) refuse(text, ": a backslash is written \\x5c");
    return unix_address(abstract, *name, (abstract ? "@" : "") + *name);
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) refuse(text, ": it has no port");
  const auto port = number<std::uint16_t>(text.substr(colon + 1));
  if (!port) refuse(text, ": a port is a number up to 65535");
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto found = ip(host, *port);
  if (!found || bracketed != (found->family() == Family::ipv6)) refuse(text, "");
  return *found;
}

Address::Family Address::family() const noexcept {
  switch (native_of<sa_family_t>(native())) {
    case AF_INET:
      return Family::ipv4;
    case AF_INET6:
      return Family::ipv6;
    default:
      return size_ <= before_path ? Family::unnamed : Family::unix_domain;
  }
}

// The port stands at the same place in both families.
std::uint16_t Address::port() const noexcept {
  static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
  if (family() != Family::ipv4 && family() != Family::ipv6) return 0;
  return ntohs(native_of<sockaddr_in>(native()).sin_port);
}

Address Address::with_port(std::uint16_t port) const noexcept {
  Address other = *this;
  if (family() == Family::ipv4 || family() == Family::ipv6) {
    const in_port_t net = htons(port);
    std::memcpy(other.bytes_.data() + offsetof(sockaddr_in, sin_port), &net, sizeof net);
  }
  return other;
}

std::string Address::host() const {
  switch (family()) {
    case Family::ipv4: {
      char host[INET_ADDRSTRLEN] = "?";
      const auto four = native_of<sockaddr_in>(native());
      ::inet_ntop(AF_INET, &four.sin_addr, host, sizeof host);
      return host;
    }
    case Family::ipv6:
      return with_scope(native_of<sockaddr_in6>(native()));
    case Family::unix_domain: {
      const auto bytes = native().subspan(before_path);
      std::string path(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      if (path[0] == '\0') path[0] = '@';
      return path;
    }
    default:
      return {};
  }
}

std::string Address::text() const {
  switch (family()) {
    case Family::unnamed:
      return "unnamed";
    case Family::unix_domain: {
      const std::string path = host();
      const bool abstract = native()[before_path] == std::byte{0};
      if (!abstract && path[0] == '@') return "unix:\\x40" + escaped(path.substr(1));
      return "unix:" + escaped(path);
    }
    default:
      return host_and_port(host(), port());
  }
}

bool Address::is_loopback() const noexcept {
  const Address plain = unmapped();
  switch (plain.family()) {
    case Family::ipv4:
      return ntohl(native_of<sockaddr_in>(plain.native()).sin_addr.s_addr) >> 24 == 127;
    case Family::ipv6: {
      const auto six = native_of<sockaddr_in6>(plain.native());
      return std::memcmp(&six.sin6_addr, &in6addr_loopback, sizeof six.sin6_addr) == 0;
    }
    default:
      return true;
  }
}

bool Address::is_any() const noexcept {
  return *this == any_ipv4(port()) || *this == any_ipv6(port());
}

Address Address::unmapped() const noexcept {
  if (family() != Family::ipv6) return *this;
  const auto six = native_of<sockaddr_in6>(native());
  if (!IN6_IS_ADDR_V4MAPPED(&six.sin6_addr)) return *this;
  sockaddr_in four{};
  four.sin_family = AF_INET;
  four.sin_port = six.sin6_port;
  std::memcpy(&four.sin_addr, six.sin6_addr.s6_addr + 12, sizeof four.sin_addr);
  return address_of(four);
}

}  // namespace deferred::io
