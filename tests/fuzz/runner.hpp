// SPDX-License-Identifier: MIT
//
// Runs worlds in child processes, so that one that crashes or hangs is a result as any.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace deferred::fuzz {

struct Ran {
  bool failed = false;
  std::uint64_t seed = 0;              // of the one that failed
  std::string what;                    // why
  std::vector<std::uint32_t> actions;  // of the last world
  std::uint64_t skipped = 0;           // worlds of which nothing can be said
};

struct RunOptions {
  std::set<std::uint32_t> without;
  bool trace = false;
  bool quiet = false;  // what sanitizers and std::terminate print is not shown
};

/// Worlds of so many seeds, one after the other in one process; ends with the first that fails.
Ran run_worlds(std::uint64_t first, std::uint64_t worlds, const RunOptions& options);

/// The least actions with which the world still fails in the same way: what can be left out.
std::set<std::uint32_t> shrink(std::uint64_t seed, const Ran& failed, RunOptions options);

}  // namespace deferred::fuzz
