// SPDX-License-Identifier: MIT
//
// Acceptor: what a Listener is made of, as a Transport is of a Stream. Next: listener.hpp.
#pragma once

#include "deferred/io/address.hpp"
#include "deferred/io/detail/counted.hpp"
#include "deferred/io/readiness.hpp"
#include "deferred/io/transport.hpp"
#include "deferred/memory/api.hpp"
#include "deferred/results/any_duration.hpp"

namespace deferred::io {

class Acceptor;
/// Owns an acceptor with others: a listener, and the task that accepts.
using AcceptorPointer = detail::Counted<Acceptor>;

/// Where connections come from. A Transport's laws 1 and 5 to 7 are its laws too. On its reactor's
/// thread only.
class DEFERRED_API Acceptor {
 public:
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  /// The next connection; null: it would have to wait for readable(). Throws std::system_error,
  /// "accept on ADDRESS"; then the next try may do. REQUIRES: is_open().
  virtual TransportPointer try_accept() = 0;
  /// Where it listens, also when closed.
  virtual Address local() const = 0;
  /// For socket options; -1 where there is none. Stays the acceptor's.
  virtual int descriptor() const noexcept { return -1; }

  Readiness& readable() const noexcept { return readable_; }
  Reactor& reactor() const noexcept { return reactor_; }
  bool is_open() const noexcept { return open_; }

  /// Closes it: who accepts gets Errc::closed. Once; further calls do nothing.
  void close() noexcept;

 protected:
  /// `readable` may be a member of the class that derives from this.
  Acceptor(Reactor& reactor, Readiness& readable) noexcept
      : reactor_(reactor), readable_(readable) {}
  virtual ~Acceptor() = default;

  /// Of close(), after the wait was ended.
  virtual void do_close() noexcept = 0;

 private:
  friend AcceptorPointer;
  friend class Listener;
  class Claim;

  unsigned owners_ = 0;
  unsigned without_wait_ = 0;  // connections that were there at once
  Reactor& reactor_;
  Readiness& readable_;
  bool open_ = true;
  bool accepting_ = false;
  bool must_rest_ = false;  // the last try has failed
  Duration rest_{0};        // the next one after an error; zero while all is well
};

/// A task's right to accept, for the life of one operation.
class Acceptor::Claim {
 public:
  [[gnu::visibility("hidden")]] explicit Claim(Acceptor& acceptor);
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;
  ~Claim() { acceptor_.accepting_ = false; }

 private:
  Acceptor& acceptor_;
};

}  // namespace deferred::io
