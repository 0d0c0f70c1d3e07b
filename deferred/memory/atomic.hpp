// SPDX-License-Identifier: MIT
//
// Atomic and Mutex: the standard's, for what threads share in the inbox, remote ends and the wake
// flag. A test executable names a header of its own in DEFERRED_ATOMICS, to choose at each access
// which thread goes on: tests/interleavings/explore.hpp.
#pragma once

#if defined(DEFERRED_ATOMICS)
#include DEFERRED_ATOMICS
#else

#include <atomic>
#include <mutex>

namespace deferred::detail {

template <class T>
using Atomic = std::atomic<T>;
using Mutex = std::mutex;

}  // namespace deferred::detail

#endif
