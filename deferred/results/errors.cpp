// SPDX-License-Identifier: MIT
#include "deferred/results/errors.hpp"

#include "deferred/results/failure.hpp"

namespace deferred {
namespace {

std::string timeout_text(std::chrono::nanoseconds limit, const std::type_info& waited_for,
                         const std::string& place) {
  return "timed out after " + to_string(limit) + " waiting on " + detail::demangled(waited_for) +
         (place.empty() ? "" : " ") + place;
}

}  // namespace

TimeoutError::TimeoutError(AnyDuration limit, const std::type_info& waited_for,
                           const std::string& place)
    : std::runtime_error(timeout_text(limit, waited_for, place)) {}

}  // namespace deferred
