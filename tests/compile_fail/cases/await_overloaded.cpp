// SPDX-License-Identifier: MIT
// expect: this type's yield_to is overloaded, a template, private
#include "deferred/tasks/task.hpp"

struct Overloaded {
  void yield_to(deferred::Waiter<int>) {}
  void yield_to(deferred::Waiter<void>) const {}
};
deferred::Task<> waits() {
  Overloaded x;
  co_await x;
}
