// SPDX-License-Identifier: MIT
//
// An errback whose error type cannot be told.
// expect: an overloaded or generic one does not tell
#include <concepts>
#include <exception>

#include "deferred/results/deferred.hpp"

auto rest = deferred::succeed(1).add_errback(
    [](const std::derived_from<std::exception> auto&) { return 1; });

int main() {}
