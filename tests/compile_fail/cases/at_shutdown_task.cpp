// SPDX-License-Identifier: MIT
// expect: a coroutine has to return Deferred<void>
#include "deferred/reactor/reactor.hpp"
#include "deferred/tasks/task.hpp"

void test(deferred::Reactor& reactor) {
  reactor.at_shutdown(deferred::Phase::before, []() -> deferred::Task<> { co_return; }).detach();
}
