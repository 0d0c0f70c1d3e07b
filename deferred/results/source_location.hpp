// SPDX-License-Identifier: MIT
//
// SourceLocation: a place in the source, as failures and awaits say where. std::source_location's
// questions in eight bytes, the same with every compiler, so that the library and its users need
// not be built by one: clang has no std::source_location before 15. Next: failure.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <version>

#if defined(__cpp_lib_source_location)
#include <bit>
#include <source_location>
#endif

#include "deferred/memory/api.hpp"
#include "deferred/results/detail/same_build.hpp"
#include "deferred/results/detail/source_record.hpp"

namespace deferred {

/// A place in the source, or an unknown one.
class SourceLocation {
 public:
  /// An unknown place: line 0, empty names.
  constexpr SourceLocation() noexcept = default;

#if defined(__cpp_lib_source_location)
  SourceLocation(std::source_location place) noexcept
      : record_(std::bit_cast<const void*>(place)) {}

  /// As a default argument: the place of the call. Not consteval: g++ would take the place of the
  /// declaration then.
  static SourceLocation current(const void* here = __builtin_source_location()) noexcept {
    return SourceLocation(here);
  }
  const char* file_name() const noexcept { return place().file_name(); }
  const char* function_name() const noexcept { return place().function_name(); }
  std::uint32_t line() const noexcept { return place().line(); }
#else
  static SourceLocation current(const char* file = __builtin_FILE(),
                                const char* function = __builtin_FUNCTION(),
                                std::uint32_t line = __builtin_LINE()) noexcept {
    return SourceLocation(detail::source_record(file, function, line));
  }
  const char* file_name() const noexcept { return place().file; }
  const char* function_name() const noexcept { return place().function; }
  std::uint32_t line() const noexcept { return place().line; }
#endif

 private:
  constexpr explicit SourceLocation(const void* record) noexcept : record_(record) {}
#if defined(__cpp_lib_source_location)
  std::source_location place() const noexcept {
    return std::bit_cast<std::source_location>(record_);
  }
#else
  detail::SourceRecord place() const noexcept {
    return record_ ? *static_cast<const detail::SourceRecord*>(record_) : detail::SourceRecord();
  }
#endif

  const void* record_ = nullptr;
};

/// "client.cpp:42 in get_poetry": the file without its folders, and the function's bare name.
/// A location that was never set gives "an unknown place".
DEFERRED_API std::string to_string(const SourceLocation& where);

}  // namespace deferred
