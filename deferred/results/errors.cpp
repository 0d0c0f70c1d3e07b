// SPDX-License-Identifier: MIT
#include "deferred/results/errors.hpp"

#include <cstdio>

#include "deferred/results/failure.hpp"

namespace deferred {
namespace {

std::string timeout_text(std::chrono::nanoseconds limit, const std::type_info& waited_for,
                         const std::string& place) {
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%g", std::chrono::duration<double>(limit).count());
  return "timed out after " + std::string(seconds) + " s waiting on " +
         detail::demangled(waited_for) + (place.empty() ? "" : " ") + place;
}

}  // namespace

TimeoutError::TimeoutError(AnyDuration limit, const std::type_info& waited_for,
                           const std::string& place)
    : std::runtime_error(timeout_text(limit, waited_for, place)) {}

}  // namespace deferred
