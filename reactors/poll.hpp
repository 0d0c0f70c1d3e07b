// SPDX-License-Identifier: MIT
//
// The poll(2) backend: the embedded default, with no dependency. What it costs: a scan of all
// watched fds at each wait.
#pragma once

#include <memory>

#include "deferred/reactor/backend.hpp"

namespace deferred::reactors {

/// `Reactor reactor{reactors::poll()};` is the same as `Reactor reactor;`.
std::unique_ptr<Backend> poll();

}  // namespace deferred::reactors
