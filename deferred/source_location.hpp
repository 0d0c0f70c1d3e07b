// SPDX-License-Identifier: MIT
//
// SourceLocation: std::source_location where the compiler has it, else a stand-in with the same
// three questions (clang 14 on libstdc++ has none). Used by failures and awaits to say where.
// Next: failure.hpp.
#pragma once

#include <string>
#include <version>

#if defined(__cpp_lib_source_location)
#include <source_location>
#else
#include <cstdint>
#endif

namespace deferred {

#if defined(__cpp_lib_source_location)
using SourceLocation = std::source_location;
#else
class SourceLocation {
 public:
  static constexpr SourceLocation current(const char* file = __builtin_FILE(),
                                          const char* function = __builtin_FUNCTION(),
                                          std::uint32_t line = __builtin_LINE()) noexcept {
    SourceLocation here;
    here.file_ = file;
    here.function_ = function;
    here.line_ = line;
    return here;
  }
  constexpr const char* file_name() const noexcept { return file_; }
  constexpr const char* function_name() const noexcept { return function_; }
  constexpr std::uint32_t line() const noexcept { return line_; }

 private:
  const char* file_ = "";
  const char* function_ = "";
  std::uint32_t line_ = 0;
};
#endif

/// "client.cpp:42 in get_poetry": the file without its folders, and the function's bare name.
/// A location that was never set gives "an unknown place".
std::string to_string(const SourceLocation& where);

}  // namespace deferred
