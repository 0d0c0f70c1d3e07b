// SPDX-License-Identifier: MIT
#include "deferred/io/netstring.hpp"

#include <system_error>

#include "deferred/io/errors.hpp"
#include "deferred/yieldables/cancel_point.hpp"

namespace deferred::io {
namespace {

bool is_digit(char letter) noexcept { return letter >= '0' && letter <= '9'; }

// For a message: a letter as it is, other bytes by number.
std::string shown(char letter) {
  if (letter > ' ' && letter <= '~') return std::string("'") + letter + "'";
  return "byte " + std::to_string(static_cast<unsigned char>(letter));
}

}  // namespace

std::string encode_netstring(std::string_view text) {
  std::string encoded = std::to_string(text.size());
  encoded.reserve(encoded.size() + text.size() + 2);
  encoded += ':';
  encoded += text;
  encoded += ',';
  return encoded;
}

std::optional<ParsedMessage> parse_netstring(std::string_view bytes, std::size_t limit) {
  std::size_t length = 0;
  std::size_t at = 0;
  for (; at < bytes.size() && is_digit(bytes[at]); ++at) {
    if (at > 0 && bytes[0] == '0') {
      throw NetstringError("netstring: its length begins with a zero");
    }
    const auto digit = static_cast<std::size_t>(bytes[at] - '0');
    if (digit > limit || length > (limit - digit) / 10) {
      throw NetstringError("netstring: longer than the limit of " + std::to_string(limit) +
                           " bytes");
    }
    length = 10 * length + digit;
  }
  if (at == bytes.size()) return std::nullopt;
  if (at == 0) {
    throw NetstringError("netstring: begins with " + shown(bytes[0]) + " where a digit should be");
  }
  if (bytes[at] != ':') {
    throw NetstringError("netstring: " + shown(bytes[at]) + " after the length, not a colon");
  }
  const std::string_view rest = bytes.substr(at + 1);
  if (rest.size() <= length) return std::nullopt;
  if (rest[length] != ',') {
    throw NetstringError("netstring: " + shown(rest[length]) + " after its " +
                         std::to_string(length) + " bytes, not a comma");
  }
  return ParsedMessage(rest.substr(0, length), at + 1 + length + 1);
}

void NetstringDecoder::feed(std::string_view bytes) {
  if (taken_ > bytes_.size() / 2) {
    bytes_.erase(0, taken_);
    taken_ = 0;
  }
  bytes_ += bytes;
}

std::optional<std::string> NetstringDecoder::next() {
  const auto found = parse_netstring(std::string_view(bytes_).substr(taken_), limit_);
  if (!found) return std::nullopt;
  std::string text(found->text);
  taken_ += found->size;
  return text;
}

Task<std::optional<std::string>> read_netstring(Stream& stream, std::size_t limit) {
  co_await cancel_point;
  while (true) {
    std::optional<ParsedMessage> found;
    try {
      found = parse_netstring(stream.buffered(), limit);
    } catch (const NetstringError& error) {
      throw NetstringError("read from " + stream.peer() + ": " + error.what());
    }
    if (found) {
      std::string text(found->text);
      stream.consume(found->size);
      co_return text;
    }
    const bool more = co_await stream.read_more();
    if (more) continue;
    if (stream.buffered().empty()) co_return std::nullopt;
    throw std::system_error(Errc::ended, "read a netstring from " + stream.peer());
  }
}

}  // namespace deferred::io
