// SPDX-License-Identifier: MIT
// expect: the length before a message is a std::uint8_t, std::uint16_t, std::uint32_t or
#include "deferred/io/length_prefixed.hpp"

auto first(deferred::io::Stream& stream) { return deferred::io::read_prefixed<int>(stream); }
