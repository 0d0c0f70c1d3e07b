// SPDX-License-Identifier: MIT
//
// add_callbacks whose errback gives nothing for what the callback gives.
// expect: this errback returns nothing
#include "deferred/results/deferred.hpp"

auto rest =
    deferred::succeed(1).add_callbacks([](int i) { return i; }, [](const deferred::Failure&) {});

int main() {}
