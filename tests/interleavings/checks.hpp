// SPDX-License-Identifier: MIT
//
// What is said of a scenario: that no run goes wrong, or that some run does.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "tests/interleavings/explore.hpp"

namespace deferred::testing {

/// No run goes wrong, and all were made.
inline void check_all(const std::string& name, const Scenario& scenario) {
  const Explored explored = explore(scenario);
  INFO(name << ": " << explored.runs << " runs; choices " << explored.choices);
  MESSAGE(name << ": " << explored.runs << " runs");
  CHECK(explored.error == "");
  CHECK(explored.complete);
  CHECK(explored.runs > 1);
}

/// Some run goes wrong, and goes wrong again when it is replayed.
inline void check_found(const std::string& name, const Scenario& scenario,
                        const std::string& error) {
  const Explored explored = explore(scenario);
  MESSAGE(name << ": run " << explored.runs << ", choices " << explored.choices << ": "
               << explored.error);
  REQUIRE(explored.error.find(error) != std::string::npos);
  const Explored again = replay(scenario, explored.choices);
  CHECK(again.error == explored.error);
  CHECK(again.choices == explored.choices);
}

}  // namespace deferred::testing
