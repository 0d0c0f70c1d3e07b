// SPDX-License-Identifier: MIT
//
// Programs that are cut wherever they wait: one for each type that can be awaited, and composed
// ones. Next: table.cpp, which runs them.
#pragma once

#include <chrono>
#include <utility>
#include <vector>

#include "deferred/deferred.hpp"
#include "deferred/testing/explore_cancel.hpp"

namespace deferred::testing {

struct Program {
  const char* name;
  Task<> (*run)(CutRun& run);
  const char* loses = nullptr;  // where it is cut, as docs/cancelling.md says it; of one type each
};
using Programs = std::vector<Program>;

// all_awaitables.py sees to it that each type is among them.
Programs awaitable_programs();
Programs call_programs();
Programs callback_programs();
Programs channel_programs();
Programs family_programs();
Programs generator_programs();
Programs task_programs();
Programs wait_programs();
Programs io_programs();
Programs server_programs();
Programs process_programs();
Programs names_programs();
Programs datagram_programs();
Programs file_programs();

/// A short wait, in which time passes.
inline Task<> some_time() { co_await Pause{std::chrono::milliseconds(1)}; }

}  // namespace deferred::testing
