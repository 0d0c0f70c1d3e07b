// SPDX-License-Identifier: MIT
//
// Good code: it compiles with the very flags of the cases that must not.
#include <concepts>
#include <coroutine>

#include "deferred/results/failure.hpp"

static_assert(std::movable<deferred::Failure>);

int main() {}
