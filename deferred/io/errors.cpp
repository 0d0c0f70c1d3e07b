// SPDX-License-Identifier: MIT
#include "deferred/io/errors.hpp"

#include <string>

namespace deferred::io {
namespace {

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "deferred.io"; }
  std::string message(int code) const override {
    switch (static_cast<Errc>(code)) {
      case Errc::closed:
        return "it was closed on this side";
      case Errc::busy:
        return "another task is doing that already";
      case Errc::ended:
        return "the peer closed before all had come";
      case Errc::too_long:
        return "more came than the limit allows";
      case Errc::not_an_address:
        return "it is neither an IPv4 nor an IPv6 address";
      case Errc::cut_write:
        return "an earlier write was cut";
      case Errc::protocol:
        return "the peer does not keep to the protocol";
      case Errc::not_supported:
        return "this kind of stream cannot do that";
      case Errc::bad_endpoint:
        return "no endpoint, or not one of its kind";
      case Errc::descriptors_lost:
        return "descriptors came that there was no room for, and were closed";
      case Errc::not_a_name:
        return "no host can have this name";
    }
    return "unknown error " + std::to_string(code);
  }
};

}  // namespace

ProtocolError::ProtocolError(const std::string& what)
    : std::system_error(Errc::protocol, what), text_(what) {}

const std::error_category& error_category() noexcept {
  static const Category category;
  return category;
}

}  // namespace deferred::io
