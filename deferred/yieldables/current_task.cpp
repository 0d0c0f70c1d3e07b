// SPDX-License-Identifier: MIT
#include "deferred/yieldables/current_task.hpp"

#include <stdexcept>

namespace deferred {

TaskRef CurrentTask::operator()() const {
  if (TaskRef running = TaskRef::running(); running.valid()) return running;
  throw std::logic_error("current_task(): no task runs here");
}

}  // namespace deferred
