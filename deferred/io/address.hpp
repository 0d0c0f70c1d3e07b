// SPDX-License-Identifier: MIT
//
// Address: where a socket is, of IPv4, IPv6 or Unix. Knows no names: those are looked up
// (names.hpp). Next: endpoint.hpp (what people write), network.hpp (who connects to one).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "deferred/memory/api.hpp"

namespace deferred::io {

/// A value: compared and hashed by what it says.
class DEFERRED_API Address {
 public:
  enum class Family : std::uint8_t { unnamed, ipv4, ipv6, unix_domain };

  /// Unnamed, as a Unix socket's that was bound to nothing.
  Address() noexcept;

  /// What text() gives: "127.0.0.1:80", "[::1]:80", "[fe80::1%eth0]:80", "unix:/run/x",
  /// "unix:@name". Throws std::system_error(Errc::not_an_address).
  static Address parse(std::string_view text);
  /// Of a literal "127.0.0.1", "::1" or "fe80::1%eth0"; nothing if it is none, as a name.
  static std::optional<Address> ip(std::string_view literal, std::uint16_t port);
  /// A path of at most 107 bytes, or an abstract name after an '@', of Linux. Throws
  /// std::system_error(Errc::not_an_address) for one that is longer, empty, or has a NUL.
  static Address unix_path(std::string_view path);
  /// The unspecified address of a family, of which a listener is on all interfaces.
  static Address any_ipv4(std::uint16_t port) noexcept;
  static Address any_ipv6(std::uint16_t port) noexcept;
  /// Of a sockaddr's bytes, as the kernel writes them. A family that is not known is unnamed.
  static Address from_native(std::span<const std::byte> sockaddr) noexcept;
  /// The bytes for a system call.
  std::span<const std::byte> native() const noexcept { return {bytes_.data(), size_}; }

  Family family() const noexcept;
  /// 0 for those of Unix.
  std::uint16_t port() const noexcept;
  Address with_port(std::uint16_t port) const noexcept;
  /// The literal without its port; of Unix the path, or '@' and the name.
  std::string host() const;
  /// Bytes that cannot be printed, backslashes, and an '@' that begins a path, are "\x5c" in it.
  /// Unnamed: "unnamed".
  std::string text() const;
  /// 127.0.0.0/8, ::1; any of Unix.
  bool is_loopback() const noexcept;
  /// 0.0.0.0 or ::.
  bool is_any() const noexcept;
  /// An IPv6 address that stands for one of IPv4, ::ffff:127.0.0.1, as that one; others as they
  /// are. (So does a listener on all interfaces see those who come by IPv4.)
  Address unmapped() const noexcept;

  friend bool operator==(const Address& a, const Address& b) noexcept {
    return a.size_ == b.size_ && a.bytes_ == b.bytes_;
  }

 private:
  static constexpr std::size_t room = 110;  // of a sockaddr_un

  alignas(8) std::array<std::byte, room> bytes_{};  // zeros behind size_
  std::uint8_t size_ = 0;
};

/// "HOST:PORT" for a message, with brackets around an IPv6 address.
DEFERRED_API std::string host_and_port(std::string_view host, std::uint16_t port);

}  // namespace deferred::io

template <>
struct std::hash<deferred::io::Address> {
  std::size_t operator()(const deferred::io::Address& address) const noexcept {
    const auto bytes = address.native();
    return std::hash<std::string_view>()(
        std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }
};
