// SPDX-License-Identifier: MIT
//
// A Deferred of a Deferred: the chain waits for the inner one by itself.
// expect: return the inner Deferred from a callback
#include "deferred/results/deferred.hpp"

deferred::Deferred<deferred::Deferred<int>> nested;

int main() {}
