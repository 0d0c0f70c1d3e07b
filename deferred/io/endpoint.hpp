// SPDX-License-Identifier: MIT
//
// Endpoint: a text such as "tcp:example.org:80", taken apart. Read from a command line or a file
// of settings by whoever connects or listens. It knows no kind, no address and no socket: those
// who do ask it for its parts, and let it say what is wrong with them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "deferred/memory/api.hpp"

namespace deferred::io {

/// Where to connect, listen or send to, as a value: a kind, parts and options, divided by colons.
///
///     tcp:example.org:80              the kind "tcp", the parts "example.org" and "80"
///     tcp:[fe80::1%eth0]:80           an IPv6 address stands in brackets; its part is without them
///     tls:a.example:443:ca=/etc/ca    options stand behind the parts, in any order, each once
///     unix:/run/odd\:name             behind a backslash a character is only itself
///     here:                           no parts
///
/// In a part `:`, `\`, `=`, and `[` at its beginning are to be escaped; in the value of an option
/// all but `=`. A part may be empty, unless it is all that there is. A kind, and an option's
/// name, is a letter and then letters, digits, `-` and `_`. (Twisted: serverFromString,
/// clientFromString; parts behind options, and more than one value of an option, are errors here)
///
/// All errors are a std::system_error with Errc::bad_endpoint; what() is "endpoint 'TEXT': " and
/// what is wrong. Of a long text it shows the beginning, and of bytes that are no printable ASCII
/// their numbers.
class DEFERRED_API Endpoint {
 public:
  /// How many bytes a text may have.
  static constexpr std::size_t longest = 64 << 10;
  /// For require(): of parts there may be any number.
  static constexpr std::size_t any_number = static_cast<std::size_t>(-1);

  /// Takes a text apart. A NUL in it is an error too: what is below would not see beyond it.
  static Endpoint parse(std::string_view text);

  const std::string& kind() const noexcept { return kind_; }
  const std::vector<std::string>& parts() const noexcept { return parts_; }
  /// The part number `i`, from 0; an error if there are fewer.
  const std::string& part(std::size_t i) const;
  /// The part number `i` as a port: a decimal number from 0 to 65535, or it is an error.
  std::uint16_t port(std::size_t i) const;
  /// The value of an option, which is the endpoint's own; or null.
  const std::string* option(std::string_view name) const noexcept;

  /// The one text for all endpoints that are equal to this one: parse() gives it back. No longer
  /// than what was parsed; options stand in the order of their names.
  std::string text() const;

  /// Checks what one who knows the kind expects: `least` to `most` parts, and no options but
  /// these. `usage`, such as "tcp:HOST:PORT", is what the error tells the user to write.
  void require(std::string_view usage, std::size_t least, std::size_t most,
               std::initializer_list<std::string_view> options = {}) const;
  /// Throws: `why` is behind the colon. For what only one who knows the kind finds wrong.
  [[noreturn]] void refuse(std::string_view why) const;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;

 private:
  Endpoint() = default;

  std::string kind_;
  std::vector<std::string> parts_;  // not a single empty one, unless options follow
  std::map<std::string, std::string, std::less<>> options_;
};

/// A text as it is written in an endpoint, to be read back as one part, or as the value of an
/// option: `"unix:" + escape(path)`. Does not escape a NUL, which no endpoint may have.
DEFERRED_API std::string escape(std::string_view part);

}  // namespace deferred::io
