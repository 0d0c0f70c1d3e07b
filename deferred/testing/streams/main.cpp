// SPDX-License-Identifier: MIT
#include <cstdio>

#include "deferred/testing/conformance/front.hpp"
#include "deferred/testing/stream_conformance_main.hpp"

namespace deferred::testing {

int stream_conformance_main(int argc, const char* const* argv, const StreamUnderTest& tried) {
  conformance::Front front;
  front.list = [] {
    for (const StreamCase& one : stream_cases()) std::printf("%s: %s\n", one.group, one.name);
  };
  front.run = [&tried](const ConformanceOptions& options) {
    return run_stream_conformance(tried, options).count(Verdict::failed);
  };
  return conformance::run_front(argc, argv, front);
}

}  // namespace deferred::testing
