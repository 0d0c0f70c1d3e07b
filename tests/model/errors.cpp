// SPDX-License-Identifier: MIT
#include "tests/model/errors.hpp"

#include "deferred/results/errors.hpp"
#include "tests/model/log.hpp"

namespace deferred::model {

Failure failure_of(int number) {
  return number % 2 == 1 ? Failure(OddError(number)) : Failure(EvenError(number));
}

void throw_error(int number) {
  if (number % 2 == 1) throw OddError(number);
  throw EvenError(number);
}

int number_of(const Failure& failure) {
  if (const auto* const odd = failure.check<OddError>()) return odd->number;
  if (const auto* const even = failure.check<EvenError>()) return even->number;
  if (failure.check<Cancelled>()) return cancelled;
  if (failure.check<AbandonedError>()) return abandoned;
  if (failure.check<CircularChainError>()) return circular;
  if (failure.check<TimeoutError>()) return timed_out;
  return unknown;
}

}  // namespace deferred::model
