// SPDX-License-Identifier: MIT
//
// The poll(2) backend: the embedded default, with no dependency. What it costs: a scan of all
// watched fds at each wait.
#pragma once

#include <memory>

#include "deferred/memory/api.hpp"
#include "deferred/reactor/backend.hpp"

namespace deferred::reactors {

/// `Reactor reactor{reactors::poll()};` is the same as `Reactor reactor;`.
DEFERRED_API std::unique_ptr<Backend> poll();

}  // namespace deferred::reactors
