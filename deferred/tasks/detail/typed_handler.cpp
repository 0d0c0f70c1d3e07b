// SPDX-License-Identifier: MIT
#include "deferred/tasks/detail/typed_handler.hpp"

#include <stdexcept>

#include "deferred/results/failure.hpp"

namespace deferred::detail {

void wrong_result(const Handler& handler, const std::type_info& wanted) {
  throw std::logic_error("co_await: the handler registered for " + demangled(handler.type) +
                         " answers with " + demangled(handler.result) + ", but this await is for " +
                         demangled(wanted));
}

}  // namespace deferred::detail
