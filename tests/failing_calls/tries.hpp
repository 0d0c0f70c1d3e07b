// SPDX-License-Identifier: MIT
//
// each_call_fails: a task is run again and again, each time with another of its system calls
// failing in another of the ways that its manual page lists. What is to come of that is in
// tries.cpp's table.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "deferred/reactor/reactor.hpp"
#include "deferred/tasks/task.hpp"
#include "tests/failing_calls/calls.hpp"

namespace deferred::testing {

/// What comes of a call that has failed.
enum class Comes {
  nothing,          ///< The task gives what it gives without.
  its_error,        ///< A std::system_error of that code, which says what was done, and of what.
  maybe_its_error,  ///< Nothing, or that.
  maybe_an_error    ///< Nothing, or one of another code: it was made to find out something else.
};

/// Gives what it has done, as text. Whatever fails, it has closed and removed all it has made.
using Tried = std::function<Task<std::string>(Reactor& reactor)>;

/// Runs it once as it is, and then once for each call that it has made so, and each error that such
/// a call may have. What comes of it is as the table says, or `otherwise` for calls that are made
/// for another reason here; no descriptor and no child is left. `always` fails each time, beside
/// the one that is tried.
void each_call_fails(const Tried& tried, const std::map<Call, Comes>& otherwise = {},
                     Fault always = {});

}  // namespace deferred::testing
