// SPDX-License-Identifier: MIT
//
// A program of tasks, run by the library in virtual time. Public headers only.
#pragma once

#include "tests/model/log.hpp"
#include "tests/model/tasks_program.hpp"

namespace deferred::model {

Log run_tasks_in_library(const TasksProgram& program);

}  // namespace deferred::model
