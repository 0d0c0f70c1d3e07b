// SPDX-License-Identifier: MIT
//
// How many there are of what must not grow the stack.
#pragma once

namespace deferred::testing {

#ifdef __SANITIZE_ADDRESS__
// Its build is -O0 and its heap is slow: a tenth of the calls overflows the stack as well.
inline constexpr int million = 100'000;
#else
inline constexpr int million = 1'000'000;
#endif

}  // namespace deferred::testing
