// SPDX-License-Identifier: MIT
//
// The open descriptors of the process: what the kits look at before and after. Not installed.
#pragma once

#include <map>
#include <string>

namespace deferred::testing {

/// Each open descriptor, and what it is.
using OpenDescriptors = std::map<std::string, std::string>;
OpenDescriptors open_descriptors();
/// "7 (socket:[1234]), 8 (pipe:[99])"; empty if there are none.
std::string opened_since(const OpenDescriptors& before);

}  // namespace deferred::testing
