// SPDX-License-Identifier: MIT
// expect: yield_to: return the undo by value
#include "deferred/tasks/task.hpp"

struct Undone {
  int& yield_to(deferred::Waiter<void> w) {
    w.resume();
    return state;
  }
  int state = 0;
};
deferred::Task<> waits() {
  Undone x;
  co_await x;
}
