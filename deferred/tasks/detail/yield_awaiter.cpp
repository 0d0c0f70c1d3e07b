// SPDX-License-Identifier: MIT
#include "deferred/tasks/yield_to.hpp"

#include "deferred/results/errors.hpp"

namespace deferred::detail {

Failure abandoned_failure(const std::type_info& yieldable, SourceLocation where) {
  return Failure(AbandonedError("nobody is left to answer the wait for " + demangled(yieldable) +
                                " at " + to_string(where) + ": all its Waiters were dropped"),
                 where);
}

Failure no_reactor_failure(SourceLocation where) {
  return Failure(
      NoReactorError("this coroutine has no reactor and cannot wait at " + to_string(where) +
                     ": give it a Reactor& parameter, or have exactly one reactor on "
                     "this thread"),
      where);
}

}  // namespace deferred::detail
