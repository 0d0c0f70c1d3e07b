// SPDX-License-Identifier: MIT
// expect: a Deferred has one consumer: await std::move(d), or share() it
#include "deferred/tasks/task.hpp"
#include "deferred/yieldables/deferred.hpp"

deferred::Task<int> twice(deferred::Deferred<int> d) { co_return co_await d; }
