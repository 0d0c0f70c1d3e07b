// SPDX-License-Identifier: MIT
//
// add_both with a callable that takes a value.
// expect: must take an Outcome of this Deferred's type
#include <string>

#include "deferred/results/deferred.hpp"

auto rest = deferred::succeed(1).add_both([](std::string) {});

int main() {}
