// SPDX-License-Identifier: MIT
//
// TaskInfo: a microthread as data, for those who look at what runs. Reactor::tasks() makes them.
// Next: tracer.hpp (what happens, as it does).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "deferred/memory/api.hpp"
#include "deferred/results/source_location.hpp"

namespace deferred {

enum class TaskState : std::uint8_t {
  fresh,    ///< Its first turn is still to come.
  running,  ///< This is asked by its own code, or by what that calls.
  waiting,  ///< For an answer.
  ready,    ///< It has its answer, and goes on in the next round or turn.
  closing,  ///< Its frames are being destroyed.
  failed,   ///< It is done, its result is a failure, and its Spawned was not asked yet.
};
DEFERRED_API std::string_view to_string(TaskState state) noexcept;

/// A microthread at one moment.
struct TaskInfo {
  std::uint64_t id = 0;
  std::uint64_t parent = 0;  ///< The one in whose nursery it is; 0: none.
  std::string name;
  TaskState state = TaskState::fresh;
  bool cancelled = false;  ///< Where it is: each of its awaits throws Cancelled.
  bool paused = false;     ///< TaskRef::pause()
  std::uint32_t age = 0;   ///< Turns of its reactor since it was spawned.
  std::string waits_for;   ///< What says its yieldable's describe(), or its type; or nothing.
  std::vector<std::string> branches;  ///< Of its wait, as of all() or race(), each the same.
  std::vector<SourceLocation> stack;  ///< Its awaits, the innermost first.
  std::string error;                  ///< Of one that has failed: type and what().
};

/// How Reactor::dump_tasks() writes.
enum class Dump : std::uint8_t {
  tree,  ///< A line each, children below their parent.
  json,  ///< An array of objects, parents before their children, which name them. Names as they
         ///< are.
};

}  // namespace deferred
