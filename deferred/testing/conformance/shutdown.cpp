// SPDX-License-Identifier: MIT
// call_when_running, shutdown triggers, crash(), signals, and what comes after stop().
#include "deferred/testing/conformance/cases.hpp"
#include "deferred/testing/conformance/fixtures.hpp"

namespace deferred::testing {
namespace {

using enum Capability;

const ConformanceCase cases[] = {
    {"placeholder", nothing, [](Context&) {}},
};

}  // namespace

std::span<const ConformanceCase> shutdown_cases() { return cases; }

}  // namespace deferred::testing
