// SPDX-License-Identifier: MIT
//
// FailureTrace: what a Failure knows beside its error: the places that it has passed, and what it
// has suppressed. Part of failure.cpp: no header needs it.
#pragma once

#include <cstdint>
#include <vector>

#include "deferred/memory/free_list.hpp"
#include "deferred/results/failure.hpp"
#include "deferred/results/source_location.hpp"

namespace deferred::detail {

struct FailureTrace : Recycled {
  static constexpr std::uint32_t most = 30;
  struct Entry {
    SourceLocation where;
    Failure::Passed how;
    std::uint32_t input;
  };
  std::uint32_t kept = 0;
  std::uint64_t omitted = 0;
  Entry entries[most];
  std::vector<Failure> suppressed;  // the first `most`
  std::uint64_t more_suppressed = 0;
  FailureTrace* next_to_go = nullptr;
};
/// In a loop: errors that are suppressed may have suppressed others, and so on.
void destroy_trace(FailureTrace* trace) noexcept;

}  // namespace deferred::detail
