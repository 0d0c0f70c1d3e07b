// SPDX-License-Identifier: MIT
//
// Two types of which only one is known to a plug-in; it awaits that.
#pragma once

#include "deferred/tasks/task.hpp"

namespace plugin {

struct First {
  void yield_to(deferred::Waiter<int> waiter) const { waiter.resume(1); }
};
struct Other {
  void yield_to(deferred::Waiter<int> waiter) const { waiter.resume(2); }
};

}  // namespace plugin

using Ask = void(deferred::Task<int>&);
