// SPDX-License-Identifier: MIT
//
// What the errors of io/ begin with.
#pragma once

namespace deferred::io::detail {

inline constexpr const char* reading = "read from ";
inline constexpr const char* writing = "write to ";
inline constexpr const char* shutting_down = "shut down writing to ";
inline constexpr const char* listening = "listen on ";
inline constexpr const char* accepting = "accept on ";
inline constexpr const char* receiving = "receive on ";
inline constexpr const char* sending = "send to ";
inline constexpr const char* connecting = "connect to ";
inline constexpr const char* binding = "bind to ";

}  // namespace deferred::io::detail
