// SPDX-License-Identifier: MIT
//
// What becomes of an exception that a reactor's callback throws.
#pragma once

#include "deferred/memory/api.hpp"

namespace deferred::detail {

/// In a catch block: reports what was thrown to the error hook of the reactor whose turn it is.
/// `by` is what threw it.
DEFERRED_API void report_thrown(const char* by) noexcept;

}  // namespace deferred::detail
