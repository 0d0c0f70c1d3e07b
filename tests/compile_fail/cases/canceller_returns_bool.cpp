// SPDX-License-Identifier: MIT
//
// A canceller that returns neither nothing nor a Cancelling.
// expect: return Cancelling::answer_follows;
#include "deferred/results/deferred.hpp"

auto both = deferred::make_deferred<int>([] { return true; });

int main() {}
