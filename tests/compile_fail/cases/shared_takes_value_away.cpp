// SPDX-License-Identifier: MIT
//
// A reader of a SharedDeferred that takes the value from the others.
// expect: for there may be other readers
#include <string>

#include "deferred/results/shared_deferred.hpp"

auto rest = deferred::succeed(std::string()).share().add_callback([](std::string&&) {});

int main() {}
