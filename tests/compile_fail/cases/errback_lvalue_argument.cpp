// SPDX-License-Identifier: MIT
//
// An errback that wants to change the error, which may be shared.
// expect: take the error by value or by const reference
#include <stdexcept>

#include "deferred/results/deferred.hpp"

auto rest = deferred::succeed(1).add_errback([](std::runtime_error&) { return 1; });

int main() {}
