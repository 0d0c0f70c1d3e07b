// SPDX-License-Identifier: MIT
//
// Lines: text that ends with "\n" or "\r\n". read_line() reads one from a stream; parse_line()
// finds one in bytes from anywhere. Next: netstring.hpp, length_prefixed.hpp, for bytes of any
// kind.
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

/// The longest line that is taken unless another limit is given; its end does not count.
/// (Twisted: LineReceiver.MAX_LENGTH)
inline constexpr std::size_t default_line_limit = 16 << 10;

/// The line that `bytes` begin with, without its "\n" or "\r\n"; nothing if there is no end of one.
/// Throws ProtocolError as soon as they cannot become a line of at most `limit` bytes.
DEFERRED_API std::optional<ParsedMessage> parse_line(std::string_view bytes, std::size_t limit);

/// Reads one line, without its end; what follows stays in the stream's buffer. Bytes without an end
/// that the peer has sent last are a line too, as they are; then it gives nothing:
/// `for (auto line = co_await read_line(s); line; line = co_await read_line(s))`.
///
/// A longer one is a ProtocolError, "read from PEER: a line is longer than 16384 bytes"; that, and
/// a cancelled one, has consumed nothing. REQUIRES: `stream` outlives the task, and is not moved
/// meanwhile.
DEFERRED_API Task<std::optional<std::string>> read_line(Stream& stream,
                                                        std::size_t limit = default_line_limit);

}  // namespace deferred::io
