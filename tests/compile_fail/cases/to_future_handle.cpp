// SPDX-License-Identifier: MIT
// expect: to_future: a Failure, an Outcome, a Deferred or a Task stays on its thread
#include "deferred/threads/futures.hpp"

auto go(deferred::Deferred<deferred::TaskRef> task) { return deferred::to_future(std::move(task)); }
