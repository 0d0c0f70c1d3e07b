// SPDX-License-Identifier: MIT
//
// An errback that asks for an exception_ptr.
// expect: no error is an exception_ptr: take a Failure
#include <exception>

#include "deferred/results/deferred.hpp"

auto rest = deferred::succeed(1).add_errback([](std::exception_ptr) { return 1; });

int main() {}
