// SPDX-License-Identifier: MIT
//
// The libuv backend, a library of its own (libdeferred-uv): on a loop that it makes, or inside the
// caller's, whose other handles are served as before. Knows libuv by one forward declaration.
#pragma once

#include <memory>

#include "deferred/memory/api.hpp"
#include "deferred/reactor/backend.hpp"

struct uv_loop_s;  // <uv.h>: uv_loop_t

namespace deferred::reactors {

/// `Reactor reactor{reactors::uv()};` On a uv_loop_t of its own. Throws std::system_error if that
/// cannot be made.
///
/// Timers are in milliseconds, rounded up: none is early. A regular file cannot be watched
/// (std::system_error, EPERM). A descriptor is to be unwatched before it is closed: libuv does not
/// see that it is gone. O_NONBLOCK is left as it was.
DEFERRED_API std::unique_ptr<Backend> uv();

/// Inside the caller's loop. Two ways to run: the caller calls uv_run(), which takes the reactor's
/// turns too, one an iteration at most; or reactor.run(), which serves the caller's handles too.
/// Not one inside the other: uv_run() is not re-entrant.
///
/// What the reactor has to do keeps uv_run(loop, UV_RUN_DEFAULT) alive: a ready task or post, a set
/// timer, a watched descriptor. A task that only another thread can wake does not.
/// A descriptor that a handle of the caller watches cannot be watched (std::system_error, EEXIST).
///
/// The backend's end begins to close its handles; the loop has to run once more, so that it lets go
/// of them, before uv_loop_close(). REQUIRES: the loop outlives the backend, is used on one
/// thread, and the caller does not close handles that are not his (uv_walk() shows all of them).
DEFERRED_API std::unique_ptr<Backend> uv(uv_loop_s* loop);

}  // namespace deferred::reactors
