// SPDX-License-Identifier: MIT
#include "deferred/results/any_duration.hpp"

#include <cstdio>

namespace deferred {

std::string to_string(AnyDuration duration) {
  const std::chrono::nanoseconds time = duration;
  if (time == std::chrono::nanoseconds::max()) return "ever";
  const auto size = static_cast<double>(time < time.zero() ? -time.count() : time.count());
  const auto in = [&](double unit, const char* name) {
    char text[40];
    std::snprintf(text, sizeof text, "%g %s", static_cast<double>(time.count()) / unit, name);
    return std::string(text);
  };
  if (size == 0 || size >= 1e9) return in(1e9, "s");
  if (size >= 1e6) return in(1e6, "ms");
  return size >= 1e3 ? in(1e3, "us") : in(1, "ns");
}

}  // namespace deferred
