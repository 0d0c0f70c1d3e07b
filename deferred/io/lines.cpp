// SPDX-License-Identifier: MIT
#include "deferred/io/lines.hpp"

#include "deferred/io/detail/operations.hpp"
#include "deferred/yieldables/cancel_point.hpp"

namespace deferred::io {
namespace {

constexpr std::size_t nowhere = std::string_view::npos;

// What `bytes` begin with, whose first '\n' is at `end`. If it is nowhere yet, a '\r' that is their
// last may belong to it.
std::string_view line_before(std::size_t end, std::string_view bytes) noexcept {
  std::string_view line = bytes.substr(0, end);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

[[noreturn]] void refuse(const std::string& where, std::size_t limit) {
  throw ProtocolError(where + "a line is longer than " + std::to_string(limit) + " bytes");
}

}  // namespace

std::optional<ParsedMessage> parse_line(std::string_view bytes, std::size_t limit) {
  const std::size_t end = bytes.find('\n');
  const std::string_view line = line_before(end, bytes);
  if (line.size() > limit) refuse("", limit);
  if (end == nowhere) return std::nullopt;
  return ParsedMessage(line, end + 1);
}

Task<std::optional<std::string>> read_line(Stream& stream, std::size_t limit) {
  co_await cancel_point;
  while (true) {
    const std::size_t end = stream.find_buffered('\n');
    const std::string_view line = line_before(end, stream.buffered());
    if (line.size() > limit) refuse(detail::reading + stream.peer() + ": ", limit);
    if (end != nowhere) {
      std::string text(line);
      stream.consume(end + 1);
      co_return text;
    }
    const bool more = co_await stream.read_more();
    if (more) continue;
    std::string last(stream.buffered());
    if (last.size() > limit) refuse(detail::reading + stream.peer() + ": ", limit);
    if (last.empty()) co_return std::nullopt;
    stream.consume(last.size());
    co_return last;
  }
}

}  // namespace deferred::io
