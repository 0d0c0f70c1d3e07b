// SPDX-License-Identifier: MIT
#include "deferred/results/detail/same_build.hpp"

namespace deferred::detail {

template <>
const char Library<Build>::present = 0;

}  // namespace deferred::detail
