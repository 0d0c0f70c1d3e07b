// SPDX-License-Identifier: MIT
//
// Every kind of stream there is, for the conformance kit, on any backend.
#pragma once

#include <vector>

#include "deferred/testing/stream_conformance.hpp"

namespace deferred::testing {

std::vector<StreamUnderTest> all_streams(const ReactorUnderTest& on);

/// A test that fails once for each case that fails, of each kind.
void check_all_streams(const ReactorUnderTest& on);

}  // namespace deferred::testing
