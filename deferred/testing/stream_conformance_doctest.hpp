// SPDX-License-Identifier: MIT
//
// The front of the stream conformance kit for doctest: a check that fails once for each case that
// fails. doctest is its reader's.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "deferred/testing/stream_conformance.hpp"

namespace deferred::testing {

/// `TEST_CASE("my streams conform") { check_stream(mine); }`
inline void check_stream(const StreamUnderTest& tried, const ConformanceOptions& options = {}) {
  const StreamReport report = run_stream_conformance(tried, options);
  for (const auto& [of, result] : report.lines) {
    if (result.verdict == Verdict::failed) {
      const std::string text = std::string(of->group) + ": " + of->name + ": " + result.reason;
      FAIL_CHECK(text);
    }
  }
  CHECK(report.count(Verdict::passed) > 0);
}

}  // namespace deferred::testing
