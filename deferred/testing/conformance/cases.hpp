// SPDX-License-Identifier: MIT
//
// The groups of conformance cases, each in the source of its name. A new group is a line here and
// one in cases.cpp.
#pragma once

#include <span>

#include "deferred/testing/reactor_conformance.hpp"

namespace deferred::testing::conformance {

std::span<const ConformanceCase> backend_cases();
std::span<const ConformanceCase> backend_descriptor_cases();
std::span<const ConformanceCase> run_cases();
std::span<const ConformanceCase> shutdown_cases();
std::span<const ConformanceCase> signal_cases();
std::span<const ConformanceCase> post_cases();
std::span<const ConformanceCase> thread_cases();
std::span<const ConformanceCase> offload_cases();
std::span<const ConformanceCase> timer_cases();
std::span<const ConformanceCase> timer_change_cases();
std::span<const ConformanceCase> watch_cases();
std::span<const ConformanceCase> watch_change_cases();
std::span<const ConformanceCase> tcp_connecting_cases();
std::span<const ConformanceCase> tcp_stream_cases();
std::span<const ConformanceCase> tcp_ending_cases();
std::span<const ConformanceCase> cancelling_cases();
std::span<const ConformanceCase> exception_cases();
std::span<const ConformanceCase> destruction_cases();
std::span<const ConformanceCase> fairness_cases();
std::span<const ConformanceCase> bound_cases();
std::span<const ConformanceCase> fork_cases();

}  // namespace deferred::testing::conformance
