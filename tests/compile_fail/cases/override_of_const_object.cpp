// SPDX-License-Identifier: MIT
// expect: the object is const, so its handler must take it as `const X&`
#include "deferred/tasks/value.hpp"

void override(deferred::Reactor& reactor, const int& number) {
  auto registration =
      reactor.registry().when_object(number, [](int& n, deferred::Waiter<int> w) { w.resume(n); });
}
