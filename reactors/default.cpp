// SPDX-License-Identifier: MIT
//
// The one place that says which backend `Reactor reactor;` has.
#include "deferred/reactor/reactor.hpp"
#include "reactors/poll.hpp"

namespace deferred {

Reactor::Reactor(detail::ThreadChecks checks) : Reactor(reactors::poll(), checks) {}

}  // namespace deferred
