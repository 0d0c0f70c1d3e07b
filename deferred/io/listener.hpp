// SPDX-License-Identifier: MIT
//
// Listener: takes connections. Made by listen(). Next: serve.hpp, which takes them all.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "deferred/io/acceptor.hpp"
#include "deferred/io/stream.hpp"
#include "deferred/memory/api.hpp"

namespace deferred::io {

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 does not see that a std::optional holds one, where that ends.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

/// Listens from its making on. Move-only; dropping it closes it. One task accepts at a time. Errors
/// are std::system_error: "listen on 127.0.0.1:80: Permission denied".
class [[nodiscard]] DEFERRED_API Listener {
 public:
  /// Listens nowhere, as after a move: closed.
  Listener() noexcept = default;
  /// Over an acceptor that nobody else uses.
  explicit Listener(AcceptorPointer acceptor) noexcept : acceptor_(std::move(acceptor)) {}
  Listener(Listener&&) noexcept = default;
  Listener& operator=(Listener&& other) noexcept;
  ~Listener() { close(); }

  /// Waits for a connection. Those that were gone before they were taken are passed over. When the
  /// process or the machine is out of descriptors or memory, that is thrown, and the next accept()
  /// rests before it tries again, 5 ms at first and 80 ms at most. Errc::closed and Errc::busy come
  /// a turn later: a loop that only reports errors keeps nobody from his turns, but it is busy; it
  /// should end on Errc::closed. Cancelled, it takes no connection.
  Task<Stream> accept();

  /// Closes it now; a task that accepts gets Errc::closed. Accepted connections are not touched.
  void close() noexcept;
  bool is_open() const noexcept { return acceptor_ && acceptor_->is_open(); }

  /// Where it listens, also when closed: "127.0.0.1:10001". Of localhost the first of its two
  /// addresses. Empty after a move.
  std::string local() const;
  /// 0 where there is none.
  std::uint16_t port() const;
  /// What it is made of: for socket options, `acceptor().descriptor()`. Throws
  /// std::system_error(Errc::closed) if this was moved from.
  Acceptor& acceptor() const;
  /// Throws as acceptor().
  Reactor& reactor() const;

 private:
  [[gnu::visibility("hidden")]] static Task<Stream> accept_from(AcceptorPointer acceptor);

  AcceptorPointer acceptor_;
};

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace deferred::io
