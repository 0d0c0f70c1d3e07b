// SPDX-License-Identifier: MIT
//
// A callback that wants to change the value in place.
// expect: take it by value, const& or &&
#include "deferred/results/deferred.hpp"

auto rest = deferred::succeed(1).add_callback([](int&) {});

int main() {}
