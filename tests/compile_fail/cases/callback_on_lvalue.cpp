// SPDX-License-Identifier: MIT
//
// A callback added without std::move.
// expect: a Deferred has one consumer
#include "deferred/results/deferred.hpp"

auto source = deferred::succeed(1);
void add() {
  source.add_callback([](int) {});
}

int main() {}
