// SPDX-License-Identifier: MIT
//
// What the errors of io/ begin with.
#pragma once

namespace deferred::io::detail {

inline constexpr const char* reading = "read from ";
inline constexpr const char* writing = "write to ";
inline constexpr const char* shutting_down = "shut down writing to ";
inline constexpr const char* accepting = "accept on ";

}  // namespace deferred::io::detail
