// SPDX-License-Identifier: MIT
#include "deferred/io/address.hpp"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <ostream>
#include <string>
#include <system_error>
#include <unordered_set>

#include "deferred/io/descriptor.hpp"
#include "deferred/io/errors.hpp"

using deferred::io::Address;
using deferred::io::Descriptor;
using deferred::io::Errc;
using Family = Address::Family;

namespace {

std::string refusal(std::string_view text) {
  try {
    return "no error: " + Address::parse(text).text();
  } catch (const std::system_error& error) {
    CHECK(error.code() == Errc::not_an_address);
    return error.what();
  }
}

Address bound(int fd) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) == 0);
  return Address::from_native(std::as_bytes(std::span(&name, 1)).first(size));
}

}  // namespace

TEST_CASE("an address is written as it is read") {
  for (const char* text :
       {"127.0.0.1:80", "0.0.0.0:0", "[::1]:65535", "[2001:db8::7]:443", "[fe80::1%lo]:1",
        "unix:/run/x.sock", "unix:relative", "unix:@abstract", "unix:a\\x20b\\x5cc"}) {
    CAPTURE(text);

    CHECK(Address::parse(text).text() == text);
  }
}

TEST_CASE("the parts of an address") {
  const Address four = Address::parse("192.0.2.7:80");
  const Address six = Address::parse("[2001:db8::7]:443");
  const Address path = Address::parse("unix:/run/x");

  CHECK(four.family() == Family::ipv4);
  CHECK(four.host() == "192.0.2.7");
  CHECK(four.port() == 80);
  CHECK(six.family() == Family::ipv6);
  CHECK(six.host() == "2001:db8::7");
  CHECK(six.port() == 443);
  CHECK(six.with_port(1).text() == "[2001:db8::7]:1");
  CHECK(path.family() == Family::unix_domain);
  CHECK(path.host() == "/run/x");
  CHECK(path.port() == 0);
  CHECK(path.with_port(5) == path);
  CHECK(Address().text() == "unnamed");
}

TEST_CASE("what is no address is refused with the reason") {
  CHECK(refusal("127.0.0.1") ==
        "address '127.0.0.1': it has no port: it is neither an IPv4 nor an IPv6 address");
  CHECK(refusal("localhost:80").find("address 'localhost:80'") == 0);
  CHECK(refusal("127.0.0.1:65536").find("a port is a number up to 65535") != std::string::npos);
  CHECK(refusal("127.0.0.1:").find("a port") != std::string::npos);
  CHECK(refusal("::1:80").find("address '::1:80'") == 0);
  CHECK(refusal("[127.0.0.1]:80").find("address '[127.0.0.1]:80'") == 0);
  CHECK(refusal("[fe80::1%no-such-thing]:80").find("address") == 0);
  CHECK(refusal("1.2.3:80").find("address") == 0);
  CHECK(refusal("unix:").find("a path is empty") != std::string::npos);
  CHECK(refusal("unix:@").find("a path is empty") != std::string::npos);
  CHECK(refusal("unix:\\").find("a backslash is written \\x5c") != std::string::npos);
  CHECK(refusal("unix:a\\x00b").find("a path has a NUL") != std::string::npos);
}

TEST_CASE("a Unix path has at most 107 bytes, and so has an abstract name") {
  const std::string longest(107, 'p');

  CHECK(Address::unix_path(longest).host() == longest);
  CHECK(Address::unix_path("@" + longest).host() == "@" + longest);
  CHECK_THROWS_WITH_AS(Address::unix_path(longest + "p"),
                       doctest::Contains("a path is longer than 107 bytes"), std::system_error);
  CHECK_THROWS_WITH_AS(Address::unix_path("@" + longest + "p"),
                       doctest::Contains("a name is longer than 107 bytes"), std::system_error);
}

TEST_CASE("a literal is an address, and a name is none") {
  CHECK(Address::ip("127.0.0.1", 80) == Address::parse("127.0.0.1:80"));
  CHECK(Address::ip("::1", 80) == Address::parse("[::1]:80"));
  CHECK_FALSE(Address::ip("localhost", 80));
  CHECK_FALSE(Address::ip("", 80));
  CHECK_FALSE(Address::ip(std::string_view("127.0.0.1\0x", 11), 80));
  CHECK_FALSE(Address::ip(std::string(1000, '1'), 80));
}

TEST_CASE("the addresses of this machine alone are loopback") {
  for (const char* text :
       {"127.0.0.1:1", "127.8.9.1:1", "[::1]:1", "[::ffff:127.0.0.1]:1", "unix:/x"}) {
    CAPTURE(text);
    CHECK(Address::parse(text).is_loopback());
  }
  for (const char* text : {"128.0.0.1:1", "[::2]:1", "0.0.0.0:1", "[::]:1", "[::ffff:8.8.8.8]:1"}) {
    CAPTURE(text);
    CHECK_FALSE(Address::parse(text).is_loopback());
  }
  CHECK(Address::any_ipv4(5).is_any());
  CHECK(Address::any_ipv6(5).is_any());
  CHECK_FALSE(Address::parse("[::1]:5").is_any());
}

TEST_CASE("an IPv6 address that stands for one of IPv4 is that one") {
  CHECK(Address::parse("[::ffff:192.0.2.1]:80").unmapped() == Address::parse("192.0.2.1:80"));
  CHECK(Address::parse("[::1]:80").unmapped() == Address::parse("[::1]:80"));
  CHECK(Address::parse("192.0.2.1:80").unmapped() == Address::parse("192.0.2.1:80"));
}

TEST_CASE("equal addresses hash alike, wherever they come from") {
  std::unordered_set<Address> seen;

  seen.insert(Address::parse("127.0.0.1:80"));
  seen.insert(Address::ip("127.0.0.1", 80).value());
  seen.insert(Address::any_ipv6(9));
  seen.insert(Address::parse("[::]:9"));

  CHECK(seen.size() == 2);
}

TEST_CASE("the kernel's words are understood, and it understands ours") {
  const Descriptor four(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const Descriptor abstract(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const Descriptor none(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const Address loopback = Address::parse("127.0.0.1:0");
  const Address name = Address::unix_path("@deferred-test-" + std::to_string(abstract.fd()));
  const auto bind_to = [](const Descriptor& socket, const Address& address) {
    return ::bind(socket.fd(), reinterpret_cast<const sockaddr*>(address.native().data()),
                  static_cast<socklen_t>(address.native().size()));
  };

  REQUIRE(bind_to(four, loopback) == 0);
  REQUIRE(bind_to(abstract, name) == 0);

  CHECK(bound(four.fd()).host() == "127.0.0.1");
  CHECK(bound(four.fd()).port() != 0);
  CHECK(bound(abstract.fd()) == name);
  CHECK(bound(none.fd()) == Address());
}

TEST_CASE("a path is the same with and without the kernel's zero at its end") {
  const Address path = Address::unix_path("/run/x");
  sockaddr_un native{};
  native.sun_family = AF_UNIX;
  std::string("/run/x").copy(native.sun_path, 6);
  const auto bytes = std::as_bytes(std::span(&native, 1));

  CHECK(Address::from_native(bytes.first(offsetof(sockaddr_un, sun_path) + 7)) == path);
  CHECK(Address::from_native(bytes) == path);
}

// These texts were other addresses, or none.
TEST_CASE("the text of what the kernel names is read back, zeros and an '@' in it too") {
  for (const std::string& name :
       {std::string("\0a\0b\0", 5), std::string("\0@a", 3), std::string("@a"), std::string("a@")}) {
    const std::string native = std::string("\1\0", 2) + name;
    const Address address = Address::from_native(std::as_bytes(std::span(native)));

    CAPTURE(address.text());
    CHECK(address.family() == Family::unix_domain);
    CHECK(Address::parse(address.text()) == address);
  }
  CHECK(Address::parse("unix:\\x40a") != Address::parse("unix:@a"));
}

TEST_CASE("a path ends at its first zero") {
  const std::string native("\1\0/a\0b", 6);

  CHECK(Address::from_native(std::as_bytes(std::span(native))) == Address::unix_path("/a"));
}

TEST_CASE("bytes that are no address are an unnamed one") {
  const std::byte odd[] = {std::byte{77}, std::byte{1}, std::byte{2}};

  CHECK(Address::from_native({}) == Address());
  CHECK(Address::from_native(odd) == Address());
}
