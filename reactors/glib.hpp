// SPDX-License-Identifier: MIT
//
// The GLib backend, a library of its own (libdeferred-glib): one GSource in a GMainContext, the
// caller's or its own. Knows GLib by one forward declaration.
#pragma once

#include <memory>

#include "deferred/memory/api.hpp"
#include "deferred/reactor/backend.hpp"

struct _GMainContext;  // <glib.h>: GMainContext

namespace deferred::reactors {

/// `Reactor reactor{reactors::glib()};` On a GMainContext of its own, which nothing else uses.
///
/// A wait ends at a millisecond, rounded up: no timer is early.
DEFERRED_API std::unique_ptr<Backend> glib();

/// Inside the caller's context; null is the default one, as for GLib. Two ways to run: the caller
/// calls g_main_loop_run() or g_main_context_iteration(), which take the reactor's turns too, one
/// an iteration at most; or reactor.run(), which dispatches the caller's sources too. In a nested
/// main loop that one of the reactor's callbacks runs, the reactor rests.
///
/// Its source has G_PRIORITY_DEFAULT: tasks that never wait take turns with sources of that
/// priority, and hold back those of lower ones, such as idle functions.
///
/// At its end no source is left. REQUIRES: the context is iterated on the thread that uses the
/// reactor; run_once() throws std::logic_error if another thread owns it.
DEFERRED_API std::unique_ptr<Backend> glib(_GMainContext* context);

}  // namespace deferred::reactors
