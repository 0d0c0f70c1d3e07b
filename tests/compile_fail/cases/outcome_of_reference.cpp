// SPDX-License-Identifier: MIT
//
// A reference in an Outcome.
// expect: hold a pointer instead of a reference
#include "deferred/results/outcome.hpp"

deferred::Outcome<int&>* reference = nullptr;
auto value = reference->has_value();

int main() {}
