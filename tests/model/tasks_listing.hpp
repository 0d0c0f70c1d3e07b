// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include "tests/model/log.hpp"
#include "tests/model/tasks_program.hpp"

namespace deferred::model {

/// The program as a test in C++, which holds the library to this log.
std::string listing(std::uint64_t seed, const TasksProgram& program, const Log& expected);

}  // namespace deferred::model
