// SPDX-License-Identifier: MIT
//
// Netstrings: "5:hello," - a length, the bytes, a comma (D. J. Bernstein). NetstringDecoder cuts
// them out of bytes that come in any pieces; read_netstring() reads one from a stream.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "deferred/io/errors.hpp"
#include "deferred/io/parsed_message.hpp"
#include "deferred/io/stream.hpp"
#include "deferred/memory/api.hpp"

namespace deferred::io {

/// What came is no netstring, or a longer one than allowed; what() says what is wrong.
class DEFERRED_API NetstringError : public ProtocolError {
 public:
  using ProtocolError::ProtocolError;
};

/// The longest netstring that is taken unless another limit is given. (Twisted:
/// NetstringReceiver.MAX_LENGTH)
inline constexpr std::size_t default_netstring_limit = 99'999;

DEFERRED_API std::string encode_netstring(std::string_view text);

/// The netstring that `bytes` begin with; nothing if they are only a beginning of one. Throws
/// NetstringError as soon as they cannot become a netstring of at most `limit` bytes.
DEFERRED_API std::optional<ParsedMessage> parse_netstring(std::string_view bytes,
                                                          std::size_t limit);

/// Fed with bytes in any pieces, gives the netstrings in them. Keeps at most the longest netstring
/// and what was fed last, if all is taken after each feed().
class DEFERRED_API NetstringDecoder {
 public:
  explicit NetstringDecoder(std::size_t limit = default_netstring_limit) noexcept : limit_(limit) {}

  void feed(std::string_view bytes);
  /// The next whole one. Throws NetstringError when those before the fault are taken, and again
  /// each time after.
  std::optional<std::string> next();
  /// How many bytes were fed that have not come out of next(): zero between two netstrings.
  std::size_t pending() const noexcept { return bytes_.size() - taken_; }

 private:
  std::size_t limit_;
  std::string bytes_;
  std::size_t taken_ = 0;  // of bytes_
};

/// Reads one netstring; what follows it stays in the stream's buffer. Nothing if the peer has sent
/// its last; Errc::ended if it ends inside of one, NetstringError (with the peer named) if it sends
/// something else. A cancelled one has consumed nothing. REQUIRES: `stream` outlives the task, and
/// is not moved meanwhile.
DEFERRED_API Task<std::optional<std::string>> read_netstring(
    Stream& stream, std::size_t limit = default_netstring_limit);

}  // namespace deferred::io
