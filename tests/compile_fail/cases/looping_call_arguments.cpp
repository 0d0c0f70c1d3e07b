// SPDX-License-Identifier: MIT
// expect: LoopingCall: the callable takes nothing, or how many ticks have come, a std::uint64_t
#include <string>

#include "deferred/tasks/looping_call.hpp"

using namespace std::chrono_literals;

deferred::LoopingCall go() {
  return deferred::LoopingCall(1s, [](std::string) {});
}
