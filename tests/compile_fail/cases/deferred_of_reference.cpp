// SPDX-License-Identifier: MIT
//
// A reference as a result.
// expect: hold a pointer instead of a reference
#include "deferred/results/deferred.hpp"

deferred::Deferred<int&> reference;

int main() {}
