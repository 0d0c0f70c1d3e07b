// SPDX-License-Identifier: MIT
//
// What the reactor's queue calls in place of a microthread's own `run`, where that is paused or
// traced. All others cost nothing.
#pragma once

#include "deferred/memory/api.hpp"

namespace deferred::detail {

struct Microthread;

/// From here on `run` asks whether it is paused or traced. Throws std::bad_alloc.
void intercept(Microthread& m);
/// Counted. A paused one is not run; cancelled, it is.
DEFERRED_API void pause(Microthread& m);
/// Throws NotPausedError.
DEFERRED_API void unpause(Microthread& m);
bool is_paused(const Microthread& m) noexcept;
/// It was to be run while it was paused: puts it into the queue again, which nobody else will.
void let_go_on(Microthread& m) noexcept;

}  // namespace deferred::detail
