// SPDX-License-Identifier: MIT
//
// An answer with a Failure as the value.
// expect: MakesResult
#include "deferred/tasks.hpp"

void answers(const deferred::Waiter<bool>& waiter, const deferred::Failure& failure) {
  waiter.resume(failure);
}

int main() {}
