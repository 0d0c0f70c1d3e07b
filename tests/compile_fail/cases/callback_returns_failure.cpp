// SPDX-License-Identifier: MIT
//
// A callback whose value has no type.
// expect: must say what its value would be
#include "deferred/results/deferred.hpp"

auto rest = deferred::succeed(1).add_callback([](int) { return deferred::Failure(2); });

int main() {}
