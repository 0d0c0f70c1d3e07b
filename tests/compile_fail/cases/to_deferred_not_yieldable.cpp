// SPDX-License-Identifier: MIT
// expect: to_deferred: this cannot be awaited. Of a plain value it is `succeed(value)`
#include "deferred/yieldables/to_deferred.hpp"

void value() { deferred::to_deferred(3); }
