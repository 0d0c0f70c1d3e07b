// SPDX-License-Identifier: MIT
// expect: no matching function for call to 'to_deferred
#include "deferred/yieldables/to_deferred.hpp"

auto ended = deferred::to_deferred(3);

int main() {}
