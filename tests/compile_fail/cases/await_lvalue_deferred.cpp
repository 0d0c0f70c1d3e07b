// SPDX-License-Identifier: MIT
// expect: a Deferred has one consumer: await std::move(d), or share() it
#include "deferred/tasks/spawn.hpp"
#include "deferred/tasks/task.hpp"

deferred::Task<int> twice(deferred::Deferred<int> d) { co_return co_await d; }
