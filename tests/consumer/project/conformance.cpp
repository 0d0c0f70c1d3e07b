// SPDX-License-Identifier: MIT
//
// The same for the conformance kit: it tries a reactor, without a test framework.
#include <deferred/testing/reactor_conformance.hpp>
#include <reactors/poll.hpp>

int main() {
  deferred::testing::ReactorUnderTest tried;
  tried.name = "poll";
  tried.make = deferred::reactors::poll;
  deferred::testing::ConformanceOptions options;
  options.out = nullptr;
  options.filter = "backend: ";
  const auto report = deferred::testing::run_conformance(tried, options);
  return report.count(deferred::testing::Verdict::passed) > 10 &&
                 report.count(deferred::testing::Verdict::failed) == 0
             ? 0
             : 1;
}
