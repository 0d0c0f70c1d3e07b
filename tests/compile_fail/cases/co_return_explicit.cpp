// SPDX-License-Identifier: MIT
//
// A result that `return` would not convert to either.
// expect: MakesResult
#include <optional>

#include "deferred/tasks.hpp"

deferred::Task<bool> asks() { co_return std::optional<bool>(false); }

int main() {}
