// SPDX-License-Identifier: MIT
//
// run_front: the command line of a conformance kit's program, whichever kit it is.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

#include "deferred/testing/reactor_conformance.hpp"

namespace deferred::testing::conformance {

/// What a kit's program does.
struct Front {
  std::function<void()> list;                                 ///< --list: prints the cases.
  std::function<std::size_t(const ConformanceOptions&)> run;  ///< Gives how many have failed.
  /// Does what an argument of its own says; false if it is none.
  std::function<bool(std::string_view)> more = [](std::string_view) { return false; };
  const char* more_options = "";  ///< Those, for --help: "  --twisted  ...\n"
};

/// Gives the exit status: 0 if no case failed, 1 if one did, 2 if the arguments are wrong.
int run_front(int argc, const char* const* argv, const Front& front);

}  // namespace deferred::testing::conformance
