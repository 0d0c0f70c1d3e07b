// SPDX-License-Identifier: MIT
//
// quoted: what somebody else has written, for a message.
#pragma once

#include <string>
#include <string_view>

namespace deferred::io::detail {

/// In single quotes, at most 200 bytes; those that cannot be printed are "\x0a".
std::string quoted(std::string_view text);

}  // namespace deferred::io::detail
