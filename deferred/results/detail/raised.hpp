// SPDX-License-Identifier: MIT
//
// The failure whose exception is on its way: Failure::current() finds it again by the address of
// the exception object, so that the trace goes on. For the library's sources alone.
#pragma once

#include "deferred/results/failure.hpp"

namespace deferred::detail {

/// A reference, kept until the next one or the end of the turn. After the end of the thread's
/// objects nothing is kept. Its exception is raised_object.
extern constinit thread_local FailureNode* raised;
/// `object` is what is thrown for `failure`.
void keep_raised(const Failure& failure, const void* object) noexcept;

}  // namespace deferred::detail
