// SPDX-License-Identifier: MIT
#include "deferred/tasks/detail/root.hpp"

#include <stdexcept>

namespace deferred::detail {

void tell_family(Microthread& m, Failure& failure) noexcept {
  m.set(Microthread::silent);
  m.family->failed(*m.family, failure);
  FailureNode::set_known(failure);
}

void throw_spawned_moved_from() {
  throw std::logic_error(
      "Spawned: it was awaited or moved from before, and is nobody's handle now");
}

}  // namespace deferred::detail
