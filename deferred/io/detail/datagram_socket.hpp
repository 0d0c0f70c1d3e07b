// SPDX-License-Identifier: MIT
//
// SocketDatagrams: the system's sockets of datagrams, of UDP and Unix.
#pragma once

#include "deferred/io/datagram_transport.hpp"
#include "deferred/io/descriptor.hpp"
#include "deferred/io/detail/unix_path.hpp"

namespace deferred::io::detail {

/// That a socket has room for a datagram. Of a Unix one that has no peer that is not the kernel's
/// word: it says that there is room where only the receiver's queue is full. A second socket, with
/// the receiver as its peer, is told when that has room again.
class RoomToSend final : public Readiness {
 public:
  RoomToSend(Reactor& reactor, int socket) noexcept : Readiness(reactor), socket_(socket) {}

  /// The next wait is for room in the socket itself.
  void look_at_socket() noexcept;
  /// The next wait is for room in the queue of a Unix socket. `what` is put before an error.
  void look_at_queue_of(const Address& receiver, const std::string& what);
  /// Stops watching, for good.
  void forget() noexcept;

 private:
  void arm() override;
  void disarm() noexcept override;

  int socket_;
  Descriptor second_;  // before what watches it; none: the socket itself is looked at
  Watch watch_;        // of the one of the two that is looked at; made by the first wait
};

class SocketDatagrams final : public DatagramTransport {
 public:
  /// Takes over a socket of datagrams, whether it blocks or not: the calls do not. `peer`: whom it
  /// is connected to.
  SocketDatagrams(Reactor& reactor, Descriptor socket, BoundPath path,
                  std::optional<Address> peer = {});

  std::optional<Received> try_receive(std::span<char> into) override;
  bool try_send(std::string_view data, const Address& to) override;
  Address local() const override { return local_; }
  int descriptor() const noexcept override { return socket_.fd(); }

 private:
  Address do_connect(const Address& to) override;
  void do_close() noexcept override;
  bool is_unix() const noexcept;
  /// After a try that has found no room.
  void look_for_room(const Address& to);
  /// If the peer has ended: to it, as it may have begun again. Gives what is left of the error.
  std::error_code connect_again(const Address& to, std::error_code sent);
  /// To the peer it had, or to nobody.
  void connect_back() noexcept;

  Descriptor socket_;  // before what watches it
  FdReadiness socket_readable_;
  RoomToSend room_;
  Address local_;
  std::optional<Address> only_from_;  // the peer as the kernel names him, if he has a name
  BoundPath path_;
};

}  // namespace deferred::io::detail
