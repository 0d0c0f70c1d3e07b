// SPDX-License-Identifier: MIT
#include "deferred/reactor/detail/extras.hpp"

#include "deferred/reactor/detail/microthread.hpp"

namespace deferred::detail {

Extras& extras_of(Microthread& m) {
  if (!m.extras()) m.add_extras(*new Extras);
  return *m.extras();
}

}  // namespace deferred::detail
