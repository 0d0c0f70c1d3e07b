// SPDX-License-Identifier: MIT
// expect: Generator: it yields values; yield a pointer instead of a reference
#include "deferred/deferred.hpp"

deferred::Generator<int&> refers(int& x) { co_yield x; }
