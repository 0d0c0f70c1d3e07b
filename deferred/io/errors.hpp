// SPDX-License-Identifier: MIT
//
// What can go wrong with a stream beside what the kernel says: an error_code for each, so that all
// errors of io are a std::system_error whose what() names the operation and the peer.
#pragma once

#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>

#include "deferred/memory/api.hpp"

namespace deferred::io {

/// `catch (const std::system_error& e) { if (e.code() == io::Errc::closed) ...`
enum class Errc {
  closed = 1,      ///< This end was closed or dropped, maybe while a task waited on it.
  busy,            ///< Another task is reading, writing or accepting: there can be one of each.
  ended,           ///< The peer closed before all that was waited for had come.
  too_long,        ///< More came than the given limit allows.
  not_an_address,  ///< Neither an IPv4 nor an IPv6 address, nor a path.
  cut_write,  ///< An earlier write was cut in its middle: what came next would be read as its rest.
  protocol,   ///< The peer does not keep to the protocol: see ProtocolError.
  not_supported,     ///< This kind of stream, or of network, cannot do that.
  bad_endpoint,      ///< A text that is no endpoint, or not one of its kind: io/endpoint.hpp.
  descriptors_lost,  ///< Descriptors came that there was no room for: all of them were closed.
  not_a_name,        ///< No host can have this name: it is not looked up.
};

DEFERRED_API const std::error_category& error_category() noexcept;
inline std::error_code make_error_code(Errc code) noexcept {
  return {static_cast<int>(code), error_category()};
}

}  // namespace deferred::io

template <>
struct std::is_error_code_enum<deferred::io::Errc> : std::true_type {};

namespace deferred::io {

/// What a peer sends is not what the protocol says; what() tells the difference. All that is the
/// peer's doing is so a std::system_error, which ends its connection and no other.
class DEFERRED_API ProtocolError : public std::system_error {
 public:
  explicit ProtocolError(const std::string& what);
  const char* what() const noexcept override { return text_.what(); }

 private:
  std::runtime_error text_;  // without the code's message
};

}  // namespace deferred::io
