// SPDX-License-Identifier: MIT
//
// An Address as system calls take it.
#pragma once

#include "deferred/io/address.hpp"

struct sockaddr;

namespace deferred::io::detail {

inline const sockaddr* native(const Address& address) noexcept {
  return reinterpret_cast<const sockaddr*>(address.native().data());
}
/// A socklen_t.
inline unsigned size_of(const Address& address) noexcept {
  return static_cast<unsigned>(address.native().size());
}

}  // namespace deferred::io::detail
