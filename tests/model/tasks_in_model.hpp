// SPDX-License-Identifier: MIT
//
// A program of tasks, run by the model.
#pragma once

#include <optional>

#include "tests/model/log.hpp"
#include "tests/model/tasks_program.hpp"

namespace deferred::model {

/// Nothing, if nothing can be said: of programs that meet a known fault of the library.
std::optional<Log> run_tasks_in_model(const TasksProgram& program);

}  // namespace deferred::model
