// SPDX-License-Identifier: MIT
// expect: a result from another thread is a value
#include "deferred/threads/on.hpp"

int& refers();
auto go(deferred::Reactor& other) { return deferred::on(other, refers); }
