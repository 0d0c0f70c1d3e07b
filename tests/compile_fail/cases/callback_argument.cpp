// SPDX-License-Identifier: MIT
//
// A callback that cannot take the value.
// expect: the callback cannot be called with this Deferred's value
#include <string>

#include "deferred/results/deferred.hpp"

auto rest = deferred::succeed(1).add_callback([](std::string) {});

int main() {}
