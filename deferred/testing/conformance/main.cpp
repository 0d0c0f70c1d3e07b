// SPDX-License-Identifier: MIT
#include <cstdio>
#include <string_view>

#include "deferred/testing/conformance/front.hpp"
#include "deferred/testing/reactor_conformance_main.hpp"

namespace deferred::testing {

int reactor_conformance_main(int argc, const char* const* argv, const ReactorUnderTest& tried) {
  conformance::Front front;
  front.list = [] {
    for (const ConformanceCase& one : conformance_cases()) {
      std::printf("%s: %s\n", one.group, one.name);
    }
  };
  front.run = [&tried](const ConformanceOptions& options) {
    return run_conformance(tried, options).count(Verdict::failed);
  };
  front.more = [](std::string_view argument) {
    if (argument != "--twisted") return false;
    std::fputs(twisted_coverage().c_str(), stdout);
    return true;
  };
  front.more_options = "  --twisted          what of Twisted's suites they stand for\n";
  return conformance::run_front(argc, argv, front);
}

}  // namespace deferred::testing
