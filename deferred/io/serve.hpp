// SPDX-License-Identifier: MIT
//
// serve: every connection of a Listener, each as a task of its own, so many at a time. Next:
// tasks/nursery.hpp, which it is made of.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <utility>

#include "deferred/io/detail/server.hpp"
#include "deferred/io/listener.hpp"
#include "deferred/io/stream.hpp"
#include "deferred/results/any_duration.hpp"

namespace deferred::io {

/// How serve() goes about it.
class ServeOptions {
 public:
  ServeOptions() noexcept {}
  explicit ServeOptions(std::size_t at_a_time, AnyDuration to_end = Duration::zero()) noexcept
      : most(at_a_time), grace(to_end) {}

  /// So many connections at a time; while there are, none is accepted, and the kernel keeps as many
  /// more as the listener's backlog says. 0 is a std::invalid_argument.
  std::size_t most = 1024;
  /// So long connections may go on when the server is to end; then they are cancelled.
  Duration grace = Duration::zero();
  /// Is called with each error that ends one connection only, and with those of accept(): for a
  /// log. Nobody is told, unless it is given. May not wait.
  std::function<void(const std::exception& error)> on_error;
};

/// Calls `handler(stream)`, a coroutine, for each connection, and owns the stream's task: those
/// that run are children of a nursery, which ends before this does. What a peer has done, or not
/// done in time, ends its connection only: a std::system_error, ProtocolError among them, or a
/// TimeoutError out of a handler. Another error is a fault of the handler's: it cancels all and is
/// thrown.
///
/// Ends when `listener` is closed, and the connections have ended: they have `grace` for that.
/// Cancelled, it accepts no more; the connections have `grace` before they are cancelled, and then
/// it throws Cancelled. Errors of accept(), as of a process without descriptors, end nothing: it
/// rests and goes on. REQUIRES: `listener` outlives the task, and is not moved meanwhile.
///
///     co_await serve(listener, [](Stream stream) -> Task<> { ... });
template <class F>
Task<void> serve(Listener& listener, F handler, ServeOptions options = {}) {
  constexpr bool fits = requires(F& f, Stream stream) {
    { f(std::move(stream)) } -> std::same_as<Task<void>>;
  };
  static_assert(fits,
                "serve: the handler is a coroutine that takes the Stream by value and gives a "
                "Task<>: [](Stream stream) -> Task<> { ... }");
  detail::Server server(listener, options.most, options.grace, std::move(options.on_error));
  const auto serve_one = [&handler](Stream stream) { return handler(std::move(stream)); };
  co_await server.run(serve_one);
}

}  // namespace deferred::io
