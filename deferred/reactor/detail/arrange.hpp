// SPDX-License-Identifier: MIT
//
// arrange: a round of the ready queue in the order that somebody says. For reactor.cpp.
#pragma once

#include <vector>

#include "deferred/reactor/detail/runnable.hpp"

namespace deferred {

class RoundOrder;

namespace detail {

/// Puts what is in `round` into the order that `order` says; posts keep theirs. Without memory for
/// that it leaves all as it is. `room` is empty, and kept by the caller for the next time.
void arrange(RunQueue& round, RoundOrder& order, std::vector<Runnable*>& room) noexcept;

}  // namespace detail
}  // namespace deferred
