// SPDX-License-Identifier: MIT
#include "deferred/tasks/yield_to.hpp"

namespace deferred::detail {

void wrong_result(const Handler& handler, const std::type_info& wanted) {
  throw std::logic_error("co_await: the handler registered for " + demangled(handler.type) +
                         " answers with " + demangled(handler.result) + ", but this await is for " +
                         demangled(wanted));
}

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
