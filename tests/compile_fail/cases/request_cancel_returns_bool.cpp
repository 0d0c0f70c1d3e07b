// SPDX-License-Identifier: MIT
//
// An undo's request_cancel() that returns neither nothing nor a Cancelling.
// expect: return Cancelling::answer_follows;
#include "deferred/tasks.hpp"

using namespace deferred;

struct Forgets {
  struct Undo {
    bool request_cancel() { return true; }
  };
  Undo yield_to(Waiter<void> waiter) const {
    waiter.resume();
    return {};
  }
};

Task<> waits() { co_await Forgets{}; }

int main() {}
