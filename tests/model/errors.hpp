// SPDX-License-Identifier: MIT
//
// The errors of the programs: numbers, of two types, so that typed errbacks have something to tell
// apart.
#pragma once

#include "deferred/results/failure.hpp"

namespace deferred::model {

struct NumberedError {
  explicit NumberedError(int n) noexcept : number(n) {}
  int number;
};
struct OddError : NumberedError {
  using NumberedError::NumberedError;
};
struct EvenError : NumberedError {
  using NumberedError::NumberedError;
};

Failure failure_of(int number);
[[noreturn]] void throw_error(int number);
/// The program's number, or what log.hpp has for the library's errors.
int number_of(const Failure& failure);

}  // namespace deferred::model
