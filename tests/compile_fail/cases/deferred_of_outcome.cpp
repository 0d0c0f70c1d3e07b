// SPDX-License-Identifier: MIT
//
// A Deferred of an Outcome: it has a failure side already.
// expect: a Deferred<T> already ends in an Outcome<T>
#include "deferred/results/deferred.hpp"

deferred::Deferred<deferred::Outcome<int>> nested;

int main() {}
