// SPDX-License-Identifier: MIT
#include "deferred/tasks/detail/root.hpp"

#include <stdexcept>

namespace deferred::detail {

void tell_family(Microthread& m, Failure& failure) noexcept {
  if (m.is(Microthread::throw_next)) {  // it waited no more
    m.unset(Microthread::throw_next);
    report_unhandled(m, m.extras()->pending);
  }
  m.set(Microthread::silent);
  m.family->failed(*m.family, failure);
  FailureNode::set_known(failure);
}

void throw_spawned_moved_from() {
  throw std::logic_error(
      "Spawned: it was awaited or moved from before, and is nobody's handle now");
}

}  // namespace deferred::detail
