// SPDX-License-Identifier: MIT
//
// ParsedMessage: what the parsers of messages find in bytes, wherever these come from. Next:
// lines.hpp, netstring.hpp, length_prefixed.hpp.
#pragma once

#include <cstddef>
#include <string_view>

namespace deferred::io {

/// The first message of some bytes.
class ParsedMessage {
 public:
  ParsedMessage(std::string_view inside, std::size_t bytes) noexcept : text(inside), size(bytes) {}
  std::string_view text;  // a part of what was parsed
  std::size_t size;       // of all of it: with what stands before the text, or ends it
};

}  // namespace deferred::io
