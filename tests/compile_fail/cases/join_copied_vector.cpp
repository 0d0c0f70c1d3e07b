// SPDX-License-Identifier: MIT
// expect: std::move the vector: what stands in it can be awaited only once
#include <vector>

#include "deferred/tasks/task.hpp"
#include "deferred/yieldables/all.hpp"

deferred::Task<> each(std::vector<deferred::Deferred<int>> xs) {
  co_await deferred::all(xs);  // refused
}
