// SPDX-License-Identifier: MIT
// expect: a Failure or an Outcome stays on its thread
#include "deferred/threads/blocking_call_from_thread.hpp"

deferred::Outcome<int> tries();
auto go(deferred::Reactor& other) { return deferred::blocking_call_from_thread(other, tries); }
