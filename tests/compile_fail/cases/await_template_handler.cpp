// SPDX-License-Identifier: MIT
// expect: this type's yield_to is overloaded, a template, private
#include "deferred/tasks/task.hpp"

struct Template {
  template <class R>
  void yield_to(deferred::Waiter<R>) {}
};
deferred::Task<> waits() {
  Template x;
  co_await x;
}
