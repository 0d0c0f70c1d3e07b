// SPDX-License-Identifier: MIT
// expect: RemoteWaiter: the result must be nothrow-movable, for the answer cannot fail
#include "deferred/tasks/remote_waiter.hpp"

struct Throws {
  Throws() = default;
  Throws(Throws&&) noexcept(false) {}
};
void go(deferred::Waiter<Throws> waiter) {
  auto remote = std::move(waiter).remote();
  std::move(remote).resume(Throws());
}
