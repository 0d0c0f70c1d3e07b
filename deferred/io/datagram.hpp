// SPDX-License-Identifier: MIT
//
// Datagram: messages without a connection, of UDP or of Unix, sent and received by tasks. Made by
// bind() and connect_datagram() (bind.hpp). Next: network.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "deferred/io/datagram_transport.hpp"
#include "deferred/memory/api.hpp"
#include "deferred/tasks/task.hpp"

namespace deferred::io {

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 does not see that a std::optional holds one, where that ends.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

/// An address of one's own, from which datagrams are sent and at which they come. Move-only;
/// dropping it closes it. At most one task receives and one sends at a time: another is told so
/// (Errc::busy). What the functions below return does what they say when it is awaited or spawned;
/// it may outlive this, whose close() ends it with Errc::closed.
///
/// Datagrams may get lost, come twice and in another order, and nobody says so. What came for
/// nobody to take is kept by the kernel as far as it has room, and dropped beyond that.
///
/// Every await is a cancel point, whether it has to wait or not. A receive that is cut - cancelled,
/// closed, the loser of a race - takes no datagram, and a send that is cut has sent nothing.
///
/// All errors are std::system_error, "receive on 127.0.0.1:53: ...", "send to 127.0.0.1:53: ...".
/// None of them ends it: the next call is a new try. Of one that is connected, that somebody has
/// refused an earlier datagram (ECONNREFUSED) is the error of one later call, whichever comes
/// first, which has done nothing else; of one that is not, nobody hears of it.
class [[nodiscard]] DEFERRED_API Datagram {
 public:
  /// Bound nowhere, as after a move: closed.
  Datagram() noexcept = default;
  /// Over a transport that nobody else uses.
  explicit Datagram(DatagramPointer transport) noexcept : transport_(std::move(transport)) {}
  Datagram(Datagram&&) noexcept = default;
  Datagram& operator=(Datagram&& other) noexcept;
  ~Datagram() { close(); }

  /// Waits for a datagram, and fills `buffer` with it; what there is no room for is lost, which
  /// Received::truncated tells. REQUIRES: `buffer` lives until it is done.
  Task<Received> receive(std::span<char> buffer);
  /// Sends one datagram, which may be empty: is done when the kernel has taken it, and waits while
  /// that has no room for it. std::errc::message_size of one that is larger than can be sent;
  /// std::errc::already_connected if this has another peer. REQUIRES: `data` lives until it is
  /// done.
  Task<void> send_to(std::string_view data, const Address& to);
  /// The same, to the peer. std::errc::destination_address_required where there is none.
  Task<void> send(std::string_view data);

  /// Has a peer from now on, or another one: send() sends to it, receive() gives only what comes
  /// from it, and not what has come from others before. Does not wait, and tells the peer nothing.
  /// Errc::busy while a task sends. A Unix peer that has ended and begun again is found again, by
  /// its path, by the next send(), and not by who only receives: till then it cannot send to this.
  void connect(const Address& peer);

  /// Closes it now; tasks that wait on it get Errc::closed. What was sent is on its way.
  void close() noexcept;
  bool is_open() const noexcept { return transport_ && transport_->is_open(); }

  /// Where it is bound, also when closed. Unnamed after a move.
  Address local() const;
  /// 0 where there is none.
  std::uint16_t port() const { return local().port(); }
  /// Whom it is connected to, also when closed.
  std::optional<Address> peer() const;

  /// What it is made of: for socket options, `transport().descriptor()`. Throws
  /// std::system_error(Errc::closed) if this was moved from.
  DatagramTransport& transport() const;
  /// Where its tasks run; awaiting it on another reactor is a std::logic_error. Throws as
  /// transport().
  Reactor& reactor() const;

 private:
  // They own the transport with the Datagram, which may be moved or dropped while they wait.
  [[gnu::visibility("hidden")]] static Task<Received> receive_on(DatagramPointer transport,
                                                                 std::span<char> buffer);
  [[gnu::visibility("hidden")]] static Task<void> send_on(DatagramPointer transport,
                                                          std::string_view data,
                                                          std::optional<Address> to);

  DatagramPointer transport_;
};

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace deferred::io
