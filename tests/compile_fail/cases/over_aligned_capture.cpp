// SPDX-License-Identifier: MIT
//
// A callable that is spawned, with an over-aligned capture.
// expect: the callable, or one of its arguments, is over-aligned
#include "deferred/tasks.hpp"

struct alignas(64) Wide {
  float values[16];
};

void starts(deferred::Reactor& reactor, Wide wide) {
  deferred::spawn(reactor, [wide]() -> deferred::Task<> {
    static_cast<void>(wide);
    co_return;
  });
}

int main() {}
