// SPDX-License-Identifier: MIT
//
// Command: a program and what it is given. Next: process.hpp.
#pragma once

#include <concepts>
#include <string>
#include <utility>
#include <vector>

namespace deferred::io {

/// `{"ls", "-l", path}`, or a list that was made before. The program is looked for in PATH if there
/// is no '/' in it. No shell sees it.
class Command {
 public:
  template <std::convertible_to<std::string>... A>
    requires(sizeof...(A) > 0)
  Command(A&&... words) {
    arguments.reserve(sizeof...(A));
    (arguments.emplace_back(std::forward<A>(words)), ...);
  }
  Command(std::vector<std::string> words) noexcept : arguments(std::move(words)) {}

  std::vector<std::string> arguments;  ///< The first is the program.
};

}  // namespace deferred::io
