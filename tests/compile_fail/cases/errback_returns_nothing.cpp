// SPDX-License-Identifier: MIT
//
// An errback that leaves a non-void Deferred without a value.
// expect: this errback returns nothing
#include "deferred/results/deferred.hpp"

auto rest = deferred::succeed(1).add_errback([](const deferred::Failure&) {});

int main() {}
