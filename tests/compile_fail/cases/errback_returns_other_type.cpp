// SPDX-License-Identifier: MIT
//
// An errback whose result cannot stand in for the value.
// expect: must return what the Deferred holds
#include <string>

#include "deferred/results/deferred.hpp"

auto rest =
    deferred::succeed(1).add_errback([](const deferred::Failure&) { return std::string(); });

int main() {}
