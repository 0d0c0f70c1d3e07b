// SPDX-License-Identifier: MIT
//
// model_tasks: random programs of tasks, run by the library and by the model. The options are those
// of tests/fuzz/main.cpp; a world is a program, an action a statement.
#include <cstdio>

#include "tests/fuzz/world_options.hpp"
#include "tests/model/tasks_in_library.hpp"
#include "tests/model/tasks_in_model.hpp"
#include "tests/model/tasks_listing.hpp"

void deferred::fuzz::run_world(std::uint64_t seed, const WorldOptions& options) {
  const model::TasksProgram program = model::make_tasks(seed, options.without);
  for (const std::uint32_t id : model::ids_of(program)) options.acted(id);
  const model::Log expected = model::run_tasks_in_model(program);
  if (options.trace) std::printf("%s", model::listing(seed, program, expected).c_str());
  std::fflush(stdout);  // also if it hangs
  const model::Log log = model::run_tasks_in_library(program);
  if (options.trace) std::printf("%s", model::beside(log, expected).c_str());
  if (log != expected) options.failed("the library and the model differ");
}
