// SPDX-License-Identifier: MIT
//
// What is said of a microthread: in dumps, reports and errors.
#pragma once

#include <string>

#include "deferred/memory/api.hpp"
#include "deferred/results/failure.hpp"

namespace deferred {
struct TaskInfo;
}

namespace deferred::detail {

struct Microthread;

/// "task #7 'name' waiting on Pause at a.cpp:3 in f, from g at ...".
DEFERRED_API std::string describe(const Microthread& m);
/// The same of one that is a part of another's wait, and stands where that one does.
std::string describe_branch(const Microthread& m);
/// The same as data, but for its age.
TaskInfo info_of(const Microthread& m);
/// What a wait or a branch is for, as its yieldable says it, or its type. REQUIRES: it has begun.
std::string waited_for(const Microthread& m);
/// Only the place.
DEFERRED_API std::string place_of(const Microthread& m);
std::string task_label(const Microthread& m);
/// What is left of a microthread that was closed.
DEFERRED_API Failure closed_failure(const Microthread& m) noexcept;
/// Reports a failure that nobody took, as this microthread's.
DEFERRED_API void report_unhandled(const Microthread& m, const Failure& failure) noexcept;
[[noreturn]] DEFERRED_API void no_reactor(const Microthread& m);
[[noreturn, gnu::cold]] DEFERRED_API void throw_empty_task_ref();
[[noreturn, gnu::cold]] DEFERRED_API void throw_empty_waiter();

}  // namespace deferred::detail
