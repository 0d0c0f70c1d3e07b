// SPDX-License-Identifier: MIT
// expect: a Failure stays on its thread; give the error itself
#include "deferred/tasks/remote_waiter.hpp"

void go(deferred::RemoteWaiter<int> remote, deferred::Failure failure) {
  std::move(remote).throw_(failure);
}
