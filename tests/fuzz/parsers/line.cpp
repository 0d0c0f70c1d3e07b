// SPDX-License-Identifier: MIT
//
// Bytes that may be lines. They hang on the bytes alone, and not on the pieces in which these come;
// with their ends they are all that was there; and read_line() gives the same from a stream.
#include "deferred/io/lines.hpp"

#include "tests/fuzz/parsers/messages.hpp"

namespace {

using namespace deferred::fuzz;
namespace io = deferred::io;

std::optional<io::ParsedMessage> parsed(std::string_view bytes, std::size_t limit) {
  const auto found = io::parse_line(bytes, limit);
  if (!found) return found;
  const std::string_view end = bytes.substr(found->text.size(), found->size - found->text.size());
  holds(found->text.size() <= limit, "no line is longer than the limit");
  holds(found->text.find('\n') == std::string_view::npos, "no line has a line feed in it");
  holds(bytes.starts_with(found->text), "a line is what the bytes begin with");
  holds(end == "\r\n" || (end == "\n" && !found->text.ends_with('\r')), "a line has an end");
  return found;
}

// What the peer has sent last is a line, too.
Decoded with_last(Decoded all, std::string_view bytes, std::size_t limit) {
  if (!all.fault.empty()) {
    all.fault = of_peer(all.fault);
  } else if (all.left > limit) {
    all.fault = of_peer("a line is longer than " + std::to_string(limit) + " bytes");
  } else if (all.left != 0) {
    all.texts.emplace_back(bytes.substr(bytes.size() - all.left));
    all.left = 0;
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text = as_text(bytes, size);
  for (const std::size_t limit : {std::size_t{3}, io::default_line_limit}) {
    const auto parse = [limit](std::string_view of) { return parsed(of, limit); };
    const auto read = [limit](io::Stream& from) { return io::read_line(from, limit); };
    const Decoded whole = decoded_whole(text, parse);
    for (const std::size_t piece : {1, 2, 0}) {
      holds(decoded_in_pieces(text, piece, parse) == whole, "pieces are parsed as the whole is");
    }
    const Decoded expected = with_last(whole, text, limit);
    for (const std::size_t piece : {1, 0}) {
      holds(read_in_pieces(text, piece, read) == expected, "pieces are read as the whole is");
    }
  }
  return 0;
}
