// SPDX-License-Identifier: MIT
// expect: LoopingCall: a callable that gives a Failure gives an Outcome<void>, or throws
#include "deferred/tasks/looping_call.hpp"

using namespace std::chrono_literals;

deferred::LoopingCall go() {
  return deferred::LoopingCall(1s, [] { return deferred::Failure(1); });
}
