// SPDX-License-Identifier: MIT
//
// The front of the conformance kit for a program of its own, without a test framework.
#pragma once

#include "deferred/memory/api.hpp"
#include "deferred/testing/reactor_conformance.hpp"

namespace deferred::testing {

/// `int main(int argc, char** argv) { return reactor_conformance_main(argc, argv, mine); }`. Runs
/// the cases and gives the exit status: 0 if none failed, 1 if one did, 2 if the arguments are
/// wrong. Each case runs in a process of its own, unless --together. Knows --help, --isolate,
/// --filter=TEXT, --limit=SECONDS, --most-failures=N, --list, --twisted.
DEFERRED_API int reactor_conformance_main(int argc, const char* const* argv,
                                          const ReactorUnderTest& tried);

}  // namespace deferred::testing
