// SPDX-License-Identifier: MIT
//
// The front of the stream conformance kit for a program of its own, without a test framework.
#pragma once

#include "deferred/memory/api.hpp"
#include "deferred/testing/stream_conformance.hpp"

namespace deferred::testing {

/// `int main(int argc, char** argv) { return stream_conformance_main(argc, argv, mine); }`. Runs
/// the cases and gives the exit status: 0 if none failed, 1 if one did, 2 if the arguments are
/// wrong. Each case runs in a process of its own, unless --together. Knows --help, --isolate,
/// --filter=TEXT, --limit=SECONDS, --most-failures=N, --list.
DEFERRED_API int stream_conformance_main(int argc, const char* const* argv,
                                         const StreamUnderTest& tried);

}  // namespace deferred::testing
