// SPDX-License-Identifier: MIT
//
// What the targets share: a target is a function of some bytes, called again and again, by
// libFuzzer (meson.build, fuzz.py) or with the inputs of corpus/ alone (replay.cpp). It has to take
// any bytes, and beside that it says what holds for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/fuzz/random.hpp"

/// The target, by the name that libFuzzer calls. Gives 0. The bytes end where the memory does.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);

namespace deferred::fuzz {

inline std::string_view as_text(const std::uint8_t* bytes, std::size_t size) noexcept {
  return {reinterpret_cast<const char*>(bytes), size};
}

/// A property of the target. Where it does not hold the program stops, and the input is kept.
inline void holds(bool does, const char* sentence) {
  if (does) return;
  std::fprintf(stderr, "does not hold: %s\n", sentence);
  std::abort();
}

/// Calls `take` with `bytes` in pieces of one size, or if that is 0 of many, which hang on the
/// bytes. Each is a string of its own that is gone after the call. Ends when `take` gives false.
template <class F>
void in_pieces(std::string_view bytes, std::size_t size, F take) {
  constexpr unsigned largest = 20;
  Random random(bytes.size());
  for (const char byte : bytes)
    random = Random(mixed(random.next(), static_cast<std::uint8_t>(byte)));
  while (!bytes.empty()) {
    const std::size_t next = size != 0 ? size : 1 + random.below(largest);
    const std::string piece(bytes.substr(0, next));
    bytes.remove_prefix(piece.size());
    if (!take(piece)) return;
  }
}

}  // namespace deferred::fuzz
