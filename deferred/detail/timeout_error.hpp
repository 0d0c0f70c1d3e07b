// SPDX-License-Identifier: MIT
//
// The text of a TimeoutError, for all that have a limit.
#pragma once

#include <string>

#include "deferred/backend.hpp"
#include "deferred/errors.hpp"

namespace deferred::detail {

/// "timed out after 1.5 s waiting on X".
TimeoutError timeout_error(Duration limit, const std::string& waited_for);

}  // namespace deferred::detail
