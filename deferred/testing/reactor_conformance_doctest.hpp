// SPDX-License-Identifier: MIT
//
// The front of the conformance kit for doctest: a check that fails once for each case that fails.
// The only header of the library that includes another's: doctest is its reader's.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "deferred/testing/reactor_conformance.hpp"

namespace deferred::testing {

/// `TEST_CASE("my reactor conforms") { check_conformance(mine); }`
inline void check_conformance(const ReactorUnderTest& tried,
                              const ConformanceOptions& options = {}) {
  const ConformanceReport report = run_conformance(tried, options);
  for (const auto& [of, result] : report.lines) {
    if (result.verdict == Verdict::failed) {
      const std::string text = std::string(of->group) + ": " + of->name + ": " + result.reason;
      FAIL_CHECK(text);
    }
  }
  CHECK(report.count(Verdict::passed) > 0);
}

}  // namespace deferred::testing
