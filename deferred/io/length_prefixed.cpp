// SPDX-License-Identifier: MIT
#include "deferred/io/length_prefixed.hpp"

#include <stdexcept>
#include <system_error>

#include "deferred/io/detail/operations.hpp"
#include "deferred/yieldables/cancel_point.hpp"

namespace deferred::io::detail {
namespace {

// The largest number of so many bytes.
constexpr std::uint64_t largest(std::size_t width) noexcept {
  return ~std::uint64_t{0} >> (8 * (sizeof(std::uint64_t) - width));
}

std::uint64_t number_in(std::string_view bytes) noexcept {
  std::uint64_t number = 0;
  for (const char byte : bytes) number = number << 8 | static_cast<unsigned char>(byte);
  return number;
}

}  // namespace

std::string encode_prefixed(std::string_view bytes, std::size_t width) {
  const std::uint64_t size = bytes.size();
  if (size > largest(width)) {
    throw std::length_error("a message of " + std::to_string(size) +
                            " bytes, where the length before it ends at " +
                            std::to_string(largest(width)));
  }
  std::string encoded;
  encoded.reserve(width + bytes.size());
  for (std::size_t left = width; left-- > 0;) encoded += static_cast<char>(size >> (8 * left));
  encoded += bytes;
  return encoded;
}

std::optional<ParsedMessage> parse_prefixed(std::string_view bytes, std::size_t limit,
                                            std::size_t width) {
  if (bytes.size() < width) return std::nullopt;
  const std::uint64_t size = number_in(bytes.substr(0, width));
  if (size > limit) {
    throw ProtocolError("a message of " + std::to_string(size) + " bytes is longer than " +
                        std::to_string(limit) + " bytes");
  }
  const std::string_view rest = bytes.substr(width);
  if (rest.size() < size) return std::nullopt;
  return ParsedMessage(rest.substr(0, size), width + size);
}

Task<std::optional<std::string>> read_prefixed(Stream& stream, std::size_t limit,
                                               std::size_t width) {
  co_await cancel_point;
  while (true) {
    std::optional<ParsedMessage> found;
    try {
      found = parse_prefixed(stream.buffered(), limit, width);
    } catch (const ProtocolError& error) {
      throw ProtocolError(reading + stream.peer() + ": " + error.what());
    }
    if (found) {
      std::string text(found->text);
      stream.consume(found->size);
      co_return text;
    }
    const bool more = co_await stream.read_more();
    if (more) continue;
    if (stream.buffered().empty()) co_return std::nullopt;
    throw std::system_error(Errc::ended, "read a message from " + stream.peer());
  }
}

Task<void> write_prefixed(Stream& stream, std::string whole) { co_await stream.write_all(whole); }

}  // namespace deferred::io::detail
