// SPDX-License-Identifier: MIT
//
// Bytes that may be netstrings. What a NetstringDecoder gives hangs on the bytes alone, and not on
// the pieces in which they come; a netstring that is found is what its text is encoded to.
#include "deferred/io/netstring.hpp"

#include <vector>

#include "tests/fuzz/parsers/target.hpp"

namespace {

using namespace deferred::fuzz;
namespace io = deferred::io;

/// What some bytes were.
class Decoded {
 public:
  std::vector<std::string> texts;
  std::string fault;     // none: the rest is a beginning
  std::size_t left = 0;  // how much that is; with a fault, not looked at

  friend bool operator==(const Decoded&, const Decoded&) = default;
};

Decoded decoded_whole(std::string_view bytes, std::size_t limit) {
  Decoded all;
  try {
    while (const auto found = io::parse_netstring(bytes, limit)) {
      holds(found->text.size() <= limit, "no netstring is longer than the limit");
      all.texts.emplace_back(found->text);
      holds(io::encode_netstring(found->text) == bytes.substr(0, found->size),
            "a netstring is its text, encoded");
      bytes.remove_prefix(found->size);
    }
    all.left = bytes.size();
  } catch (const io::NetstringError& error) {
    all.fault = error.what();
  }
  return all;
}

/// Takes what the decoder has. False: it has come to a fault.
bool take_all(io::NetstringDecoder& decoder, Decoded& all) {
  try {
    while (auto text = decoder.next()) all.texts.push_back(*std::move(text));
    return true;
  } catch (const io::NetstringError& error) {
    all.fault = error.what();
    return false;
  }
}

Decoded decoded_in_pieces(std::string_view bytes, std::size_t limit, std::size_t piece) {
  Decoded all;
  io::NetstringDecoder decoder(limit);
  in_pieces(bytes, piece, [&](std::string_view fed) {
    decoder.feed(fed);
    return take_all(decoder, all);
  });
  if (all.fault.empty()) {
    all.left = decoder.pending();
    return all;
  }
  const Decoded before = all;
  holds(!take_all(decoder, all) && all == before, "a fault is there the next time, too");
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text = as_text(bytes, size);
  for (const std::size_t limit : {std::size_t{12}, io::default_netstring_limit}) {
    const Decoded whole = decoded_whole(text, limit);
    for (const std::size_t piece : {1, 2, 7, 0}) {
      holds(decoded_in_pieces(text, limit, piece) == whole, "pieces are decoded as the whole is");
    }
  }
  const Decoded one = decoded_whole(io::encode_netstring(text), size);
  holds(one.texts == std::vector{std::string(text)} && one.left == 0, "any text is a netstring");
  return 0;
}
