// SPDX-License-Identifier: MIT
//
// Messages with their length before them, as one big-endian number: "\0\0\0\5hello". The type of
// the number is said with each function. Next: netstring.hpp, whose lengths are text.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "deferred/io/errors.hpp"
#include "deferred/io/parsed_message.hpp"
#include "deferred/io/stream.hpp"
#include "deferred/memory/api.hpp"

namespace deferred::io {

/// The longest prefixed message that is taken unless another limit is given.
inline constexpr std::size_t default_prefixed_limit = 1 << 20;

/// `bytes` with their length before them. Throws std::length_error if N has no number that large.
template <class N>
std::string encode_prefixed(std::string_view bytes);

/// The message that `bytes` begin with, without its length; nothing if they are only a beginning of
/// one. Throws ProtocolError as soon as its length has come, if that is over `limit`.
template <class N>
std::optional<ParsedMessage> parse_prefixed(std::string_view bytes, std::size_t limit);

/// Reads one message; what follows it stays in the stream's buffer. Nothing if the peer has sent
/// its last; Errc::ended if it ends inside of one: `auto message = co_await
/// read_prefixed<std::uint32_t>(stream);`
///
/// A longer one is a ProtocolError, "read from PEER: a message of 5000000 bytes is longer than
/// 1048576 bytes", before there is room for any of it. That, and a cancelled one, has consumed
/// nothing. REQUIRES: `stream` outlives the task, and is not moved meanwhile.
template <class N>
Task<std::optional<std::string>> read_prefixed(Stream& stream,
                                               std::size_t limit = default_prefixed_limit);

/// Writes one message, its length and `bytes` in one piece, of which the task has a copy: as
/// Stream::write_all(), a cut included. Throws as encode_prefixed(), here. REQUIRES: `stream`
/// outlives the task, and is not moved meanwhile.
template <class N>
Task<void> write_prefixed(Stream& stream, std::string_view bytes);

namespace detail {

DEFERRED_API std::string encode_prefixed(std::string_view bytes, std::size_t width);
DEFERRED_API std::optional<ParsedMessage> parse_prefixed(std::string_view bytes, std::size_t limit,
                                                         std::size_t width);
DEFERRED_API Task<std::optional<std::string>> read_prefixed(Stream& stream, std::size_t limit,
                                                            std::size_t width);
DEFERRED_API Task<void> write_prefixed(Stream& stream, std::string whole);

template <class N>
constexpr std::size_t width_of();

}  // namespace detail

template <class N>
std::string encode_prefixed(std::string_view bytes) {
  return detail::encode_prefixed(bytes, detail::width_of<N>());
}
template <class N>
std::optional<ParsedMessage> parse_prefixed(std::string_view bytes, std::size_t limit) {
  return detail::parse_prefixed(bytes, limit, detail::width_of<N>());
}
template <class N>
Task<std::optional<std::string>> read_prefixed(Stream& stream, std::size_t limit) {
  return detail::read_prefixed(stream, limit, detail::width_of<N>());
}
template <class N>
Task<void> write_prefixed(Stream& stream, std::string_view bytes) {
  return detail::write_prefixed(stream, encode_prefixed<N>(bytes));
}

namespace detail {

/// How many bytes a length has.
template <class N>
constexpr std::size_t width_of() {
  constexpr bool is_length = std::unsigned_integral<N> && !std::same_as<N, bool> &&
                             !std::same_as<N, wchar_t> && !std::same_as<N, char8_t> &&
                             !std::same_as<N, char16_t> && !std::same_as<N, char32_t>;
  static_assert(is_length,
                "the length before a message is a std::uint8_t, std::uint16_t, std::uint32_t or "
                "std::uint64_t: read_prefixed<std::uint32_t>(stream)");
  return sizeof(N);
}

}  // namespace detail
}  // namespace deferred::io
