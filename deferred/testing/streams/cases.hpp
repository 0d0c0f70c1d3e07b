// SPDX-License-Identifier: MIT
//
// The groups of the stream conformance kit's cases, each in the source of its name. A new group is
// a line here and one in cases.cpp.
#pragma once

#include <span>

#include "deferred/testing/stream_conformance.hpp"

namespace deferred::testing::streams {

std::span<const StreamCase> byte_cases();
std::span<const StreamCase> reader_cases();
std::span<const StreamCase> end_cases();
std::span<const StreamCase> closing_cases();
std::span<const StreamCase> breaking_cases();
std::span<const StreamCase> sharing_cases();
std::span<const StreamCase> cut_read_cases();
std::span<const StreamCase> cut_write_cases();
std::span<const StreamCase> waiting_cases();
std::span<const StreamCase> step_cases();
std::span<const StreamCase> life_cases();

}  // namespace deferred::testing::streams
