// SPDX-License-Identifier: MIT
//
// What the runner knows of a program's worlds: how one is run. Next: world.hpp, families.hpp.
#pragma once

#include <cstdint>
#include <set>
#include <string>

namespace deferred::fuzz {

/// How a world is run.
struct WorldOptions {
  std::set<std::uint32_t> without;                         // actions that are left out
  bool trace = false;                                      // each action is printed
  void (*failed)(const std::string& what) = nullptr;       // does not return
  void (*acted)(std::uint32_t action) noexcept = nullptr;  // each is told
  void (*skipped)() noexcept = nullptr;                    // nothing can be said of this world
};

/// Runs the world of a seed, and looks at what is left. Each program has its own.
void run_world(std::uint64_t seed, const WorldOptions& options);

}  // namespace deferred::fuzz
