// SPDX-License-Identifier: MIT
// expect: g++ 12 destroys a temporary aggregate with such members twice
#include <string>

#include "deferred/tasks/task.hpp"

struct Named {
  std::string name;
  void yield_to(deferred::Waiter<void> w) { w.resume(); }
};
deferred::Task<> waits() { co_await Named{"twice"}; }
