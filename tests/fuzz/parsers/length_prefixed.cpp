// SPDX-License-Identifier: MIT
//
// Bytes that may be messages with their lengths before them, of each type. They hang on the bytes
// alone, and not on the pieces in which these come; encoded they are what was there; and
// read_prefixed() gives the same from a stream.
#include "deferred/io/length_prefixed.hpp"

#include <limits>

#include "deferred/io/errors.hpp"
#include "tests/fuzz/parsers/messages.hpp"

namespace {

using namespace deferred::fuzz;
namespace io = deferred::io;

template <class N>
std::optional<io::ParsedMessage> parsed(std::string_view bytes, std::size_t limit) {
  const auto found = io::parse_prefixed<N>(bytes, limit);
  if (!found) return found;
  holds(found->text.size() <= limit, "no message is longer than the limit");
  holds(io::encode_prefixed<N>(found->text) == bytes.substr(0, found->size),
        "a message is its text, encoded");
  return found;
}

Decoded as_read(Decoded all) {
  if (!all.fault.empty()) {
    all.fault = of_peer(all.fault);
  } else if (all.left != 0) {
    const std::system_error ended(io::Errc::ended, "read a message from the peer");
    all.fault = ended.what();
  }
  return all;
}

template <class N>
void holds_for(std::string_view bytes) {
  for (const std::size_t limit : {std::size_t{5}, std::numeric_limits<std::size_t>::max()}) {
    const auto parse = [limit](std::string_view of) { return parsed<N>(of, limit); };
    const auto read = [limit](io::Stream& from) { return io::read_prefixed<N>(from, limit); };
    const Decoded whole = decoded_whole(bytes, parse);
    for (const std::size_t piece : {1, 0}) {
      holds(decoded_in_pieces(bytes, piece, parse) == whole, "pieces are parsed as the whole is");
    }
    holds(read_in_pieces(bytes, 0, read) == as_read(whole), "pieces are read as the whole is");
  }
  if (bytes.size() > std::numeric_limits<N>::max()) return;
  const auto parse = [&bytes](std::string_view of) { return parsed<N>(of, bytes.size()); };
  const Decoded one = decoded_whole(io::encode_prefixed<N>(bytes), parse);
  holds(one.texts == std::vector{std::string(bytes)} && one.left == 0, "any text is a message");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text = as_text(bytes, size);
  holds_for<std::uint8_t>(text);
  holds_for<std::uint16_t>(text);
  holds_for<std::uint32_t>(text);
  holds_for<std::uint64_t>(text);
  return 0;
}
