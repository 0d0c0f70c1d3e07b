// SPDX-License-Identifier: MIT
//
// must: what a program under test has to keep, said inside of it, whatever the test framework is.
// For explore_cancel() and for_each_seed(), in the library deferred-testing.
#pragma once

#include <string_view>

#include "deferred/memory/api.hpp"

namespace deferred::testing {

/// Throws std::logic_error with `sentence` unless `holds`.
DEFERRED_API void must(bool holds, std::string_view sentence);

}  // namespace deferred::testing
