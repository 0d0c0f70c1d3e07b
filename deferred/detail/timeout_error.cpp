// SPDX-License-Identifier: MIT
#include "deferred/detail/timeout_error.hpp"

#include <cstdio>

namespace deferred::detail {

TimeoutError timeout_error(Duration limit, const std::string& waited_for) {
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%g", std::chrono::duration<double>(limit).count());
  return TimeoutError("timed out after " + std::string(seconds) + " s waiting on " + waited_for);
}

}  // namespace deferred::detail
