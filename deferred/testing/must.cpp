// SPDX-License-Identifier: MIT
#include "deferred/testing/must.hpp"

#include <stdexcept>
#include <string>

namespace deferred::testing {

void must(bool holds, std::string_view sentence) {
  if (!holds) throw std::logic_error(std::string(sentence));
}

}  // namespace deferred::testing
