// SPDX-License-Identifier: MIT
//
// What becomes of an exception that a reactor's callback throws.
#pragma once

namespace deferred::detail {

/// In a catch block: reports what was thrown to the error hook of the reactor whose turn it is.
/// `by` is what threw it.
void report_thrown(const char* by) noexcept;

}  // namespace deferred::detail
