// SPDX-License-Identifier: MIT
//
// DatagramTransport: what a Datagram is made of, as a Transport is of a Stream; who writes one of
// his own, with its laws, has datagrams that all protocols take. Knows no tasks. Next:
// datagram.hpp.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "deferred/io/address.hpp"
#include "deferred/io/detail/counted.hpp"
#include "deferred/io/readiness.hpp"
#include "deferred/memory/api.hpp"

namespace deferred::io {

class DatagramTransport;
/// Owns a transport with others: a Datagram, and what waits on it.
using DatagramPointer = detail::Counted<DatagramTransport>;

/// A datagram that has come.
class Received {
 public:
  Received(std::size_t bytes, const Address& sender, bool is_cut) noexcept
      : size(bytes), from(sender), truncated(is_cut) {}

  /// So many bytes of the buffer it has filled. 0 is a datagram without bytes, and no end.
  std::size_t size;
  /// Who has sent it. Unnamed: one who cannot be answered.
  Address from;
  /// It was larger than the buffer, and the rest of it is gone.
  bool truncated;
};

/// Sends and receives datagrams. On its reactor's thread only.
///
/// The laws:
/// 1. A Transport's laws 1 and 5 to 7 too: what is ready is reported in a later turn, maybe too
///    often; do_close() runs no user code, and report(), which may, is called last; nothing below
///    is touched after do_close(), or once the reactor is gone.
/// 2. A datagram is given by one try_receive(), and taken by one try_send(), whole or not at all.
///    What throws has given and taken nothing.
/// 3. An error does not stay: the next try may do. It may be an earlier datagram's, of one that
///    was refused.
/// 4. After connect() only what its peer sends is given; what has come from others before is not.
class DEFERRED_API DatagramTransport {
 public:
  DatagramTransport(const DatagramTransport&) = delete;
  DatagramTransport& operator=(const DatagramTransport&) = delete;

  // What it can do now. REQUIRES: is_open().

  /// Takes the next datagram, and fills the buffer with as much as there is room for; nothing: it
  /// would have to wait for readable(). Throws std::system_error(error, receiving()).
  virtual std::optional<Received> try_receive(std::span<char> into) = 0;
  /// Takes `data` for `to`; false: it would have to wait for writable(). Throws
  /// std::system_error(error, sending_to(to)). REQUIRES: if it is connected, `to` is its peer.
  virtual bool try_send(std::string_view data, const Address& to) = 0;
  /// Has a peer from now on, or another one. Throws std::system_error, "connect to ADDRESS"; then
  /// it has the one it had, or none. Errc::busy while a task sends.
  void connect(const Address& peer);

  /// Where it is bound, also when closed. May change when it is connected.
  virtual Address local() const = 0;
  /// For socket options; -1 where there is none. Stays the transport's.
  virtual int descriptor() const noexcept { return -1; }

  Readiness& readable() const noexcept { return readable_; }
  Readiness& writable() const noexcept { return writable_; }
  Reactor& reactor() const noexcept { return reactor_; }
  /// Whom it is connected to, as connect() was told, or as the network names him.
  const std::optional<Address>& peer() const noexcept { return peer_; }
  bool is_open() const noexcept { return open_; }

  /// Closes it: waits on it end with Errc::closed. Once; further calls do nothing.
  void close() noexcept;

 protected:
  /// The two may be members of the class that derives from this. `peer`: of one that is connected
  /// already.
  DatagramTransport(Reactor& reactor, Readiness& readable, Readiness& writable,
                    std::optional<Address> peer = {}) noexcept
      : reactor_(reactor), readable_(readable), writable_(writable), peer_(peer) {}
  virtual ~DatagramTransport() = default;

  /// Of connect(). Gives what peer() says from then on, and Received::from.
  virtual Address do_connect(const Address& to) = 0;
  /// Of close(), after the waits were ended.
  virtual void do_close() noexcept = 0;

  /// What errors begin with.
  std::string receiving() const;
  static std::string sending_to(const Address& to);

 private:
  friend DatagramPointer;
  friend class Datagram;
  class Receiving;
  class Sending;

  // The Datagram's.

  /// True once in a while: after so many calls that did not have to wait, the task should give the
  /// others a turn.
  bool has_run_long() noexcept {
    if (++without_wait_ < 64) return false;
    without_wait_ = 0;
    return true;
  }
  /// Every wait for one of the two goes through this.
  Readiness& begin_to_wait(Readiness& direction) noexcept {
    without_wait_ = 0;
    return direction;
  }
  /// Whom a datagram for `to`, or for the peer, is sent to; throws if there is nobody, or another.
  [[gnu::visibility("hidden")]] const Address& receiver(const std::optional<Address>& to) const;

  /// What a task that waits is told; `at`: null is where this is.
  [[gnu::visibility("hidden")]] Failure closed(const char* what, const Address* at) const noexcept;

  unsigned owners_ = 0;
  unsigned without_wait_ = 0;
  Reactor& reactor_;
  Readiness& readable_;
  Readiness& writable_;
  std::optional<Address> peer_;
  const Address* sends_to_ = nullptr;  // of the task that sends
  bool open_ = true;
  bool receives_ = false;  // a task receives
};

}  // namespace deferred::io
