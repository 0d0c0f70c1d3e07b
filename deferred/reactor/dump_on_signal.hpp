// SPDX-License-Identifier: MIT
//
// dump_on_signal: a look into a process that runs, from outside of it.
#pragma once

#include "deferred/memory/api.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/reactor/task_info.hpp"

namespace deferred {

/// Writes dump_tasks() to standard error whenever the process gets `signal` (SIGUSR1, say), until
/// the SignalWatch is dropped. In the reactor's next turn: one whose turn does not end says
/// nothing, and is for a debugger.
[[nodiscard]] DEFERRED_API SignalWatch dump_on_signal(Reactor& reactor, int signal,
                                                      Dump how = Dump::tree);

}  // namespace deferred
