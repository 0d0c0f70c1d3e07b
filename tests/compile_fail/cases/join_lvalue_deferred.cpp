// SPDX-License-Identifier: MIT
// expect: a Deferred has one consumer: await std::move(d), or share() it
#include "deferred/tasks/task.hpp"
#include "deferred/yieldables/all.hpp"

deferred::Task<> both(deferred::Deferred<int> a) {
  co_await deferred::all(a, deferred::succeed(1));  // refused
}
