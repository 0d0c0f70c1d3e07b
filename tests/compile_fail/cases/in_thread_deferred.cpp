// SPDX-License-Identifier: MIT
// expect: in_thread: a Failure, an Outcome, a Deferred or a Task stays on its thread
#include "deferred/threads/in_thread.hpp"

deferred::Deferred<int> later();
auto go() { return deferred::in_thread(later); }
