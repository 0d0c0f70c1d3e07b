// SPDX-License-Identifier: MIT
//
// Descriptors sent over a Unix socket, and who is at its other end.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "deferred/io/descriptor.hpp"
#include "deferred/io/stream.hpp"
#include "deferred/memory/api.hpp"

namespace deferred::io {

/// What receive_with_descriptors() gives.
class ReceivedDescriptors {
 public:
  ReceivedDescriptors(std::size_t bytes, std::vector<Descriptor> all) noexcept
      : size(bytes), descriptors(std::move(all)) {}
  std::size_t size;  ///< Of the bytes; 0 is the end.
  std::vector<Descriptor> descriptors;
};

/// Writes `data` with copies of some descriptors, at most 253, which stay the caller's and may be
/// closed when it is done. They come with the first byte. All else is as of Stream::write_all().
/// Errc::not_supported of what is no Unix socket; std::invalid_argument if there is no data.
/// REQUIRES: `stream`, `data` and `descriptors` outlive the task.
DEFERRED_API Task<void> send_with_descriptors(Stream& stream, std::string_view data,
                                              std::span<const int> descriptors);

/// As Stream::read_some(), with the descriptors that come with the bytes, at most so many; children
/// do not inherit them. Bytes that are buffered come first, and have none. (Plain reads drop what
/// descriptors come.) If more came than `most`, or than the process may have,
/// Errc::descriptors_lost is thrown: all of them are closed, and the next read gives the bytes.
/// REQUIRES: `stream` and `buffer` outlive the task.
DEFERRED_API Task<ReceivedDescriptors> receive_with_descriptors(Stream& stream,
                                                                std::span<char> buffer,
                                                                std::size_t most = 16);

/// Whose process is at the other end of a Unix socket: of who connected, as that was at that time.
class Credentials {
 public:
  Credentials(long process, unsigned user, unsigned group) noexcept
      : pid(process), uid(user), gid(group) {}
  long pid;  ///< May be another process's by now: it is no name for rights.
  unsigned uid;
  unsigned gid;
};
/// Throws Errc::not_supported of what is no Unix socket, Errc::closed.
DEFERRED_API Credentials peer_credentials(const Stream& stream);

}  // namespace deferred::io
