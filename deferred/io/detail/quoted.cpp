// SPDX-License-Identifier: MIT
#include "deferred/io/detail/quoted.hpp"

namespace deferred::io::detail {

std::string quoted(std::string_view text) {
  constexpr const char* digits = "0123456789abcdef";
  constexpr std::size_t most = 200;
  std::string quoted = "'";
  for (const char letter : text.substr(0, most)) {
    const auto byte = static_cast<unsigned char>(letter);
    if (byte < ' ' || byte == 0x7f || letter == '\\' || letter == '\'') {
      quoted += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
    } else {
      quoted += letter;
    }
  }
  return quoted + (text.size() > most ? "...'" : "'");
}

}  // namespace deferred::io::detail
