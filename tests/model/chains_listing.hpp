// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include "tests/model/chains_program.hpp"
#include "tests/model/log.hpp"

namespace deferred::model {

/// The program as a test in C++, which holds the library to this log.
std::string listing(std::uint64_t seed, const ChainsProgram& program, const Log& expected);

}  // namespace deferred::model
