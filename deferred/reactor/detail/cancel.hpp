// SPDX-License-Identifier: MIT
//
// How a microthread is cancelled, and how an error is thrown into it.
#pragma once

#include "deferred/memory/api.hpp"
#include "deferred/results/failure.hpp"

namespace deferred::detail {

struct Microthread;

/// Recomputes Flag::cancelled from the innermost scope, and throws at the leaf if it has become
/// set.
void update_cancelled(Microthread& m) noexcept;
/// Cancels the whole microthread, and all that hangs below it, for good.
DEFERRED_API void cancel_level(Microthread& m) noexcept;
/// Cancels what it waits on, once; if it is not waiting, its next wait. A shield holds it until it
/// ends. Does nothing while the reactor is being destroyed: it closes all of them.
DEFERRED_API void cancel_once(Microthread& m) noexcept;
/// Throws `failure` at the wait it is in, or at its next one.
DEFERRED_API void throw_into(Microthread& m, Failure failure);

}  // namespace deferred::detail
