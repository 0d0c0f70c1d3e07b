// SPDX-License-Identifier: MIT
//
// SourceRecord: what a SourceLocation points to.
#pragma once

#include <cstdint>

#include "deferred/memory/api.hpp"

namespace deferred::detail {

/// std::source_location's own record, as g++ and clang lay it out.
struct SourceRecord {
  const char* file = "";
  const char* function = "";
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};
/// The record of this place, always the same one; null without memory for it. From any thread.
DEFERRED_API const SourceRecord* source_record(const char* file, const char* function,
                                               std::uint32_t line) noexcept;

}  // namespace deferred::detail
