// SPDX-License-Identifier: MIT
//
// Unix sockets' paths, of those who listen and of datagrams: bound, replaced where a process has
// left one behind, removed at the end.
#pragma once

#include <cstdint>
#include <string>

#include "deferred/io/address.hpp"

namespace deferred::io::detail {

/// Binds a Unix socket, of any type, to a path with this mode, or to an abstract name; to the
/// unnamed address: the kernel picks an abstract name. A path that is nobody's any more is
/// replaced. `what` is put before an error.
void bind_to_path(int socket, const Address& at, unsigned mode, const std::string& what);

/// A path that this process has bound: it goes at the end, if it is still the one.
class BoundPath {
 public:
  /// None.
  BoundPath() noexcept = default;
  /// None too if `at` is no path.
  explicit BoundPath(const Address& at) noexcept;
  BoundPath(BoundPath&& other) noexcept;
  BoundPath& operator=(BoundPath&& other) noexcept;
  ~BoundPath() { remove(); }
  void remove() noexcept;

 private:
  Address at_;  // unnamed: none
  std::uint64_t device_ = 0;
  std::uint64_t file_ = 0;
  std::int64_t process_ = 0;  // a child has the socket too, but the path is not its own
};

}  // namespace deferred::io::detail
