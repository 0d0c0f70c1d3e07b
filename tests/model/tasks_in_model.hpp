// SPDX-License-Identifier: MIT
//
// A program of tasks, run by the model.
#pragma once

#include "tests/model/log.hpp"
#include "tests/model/tasks_program.hpp"

namespace deferred::model {

Log run_tasks_in_model(const TasksProgram& program);

}  // namespace deferred::model
