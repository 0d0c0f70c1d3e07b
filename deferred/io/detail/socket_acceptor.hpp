// SPDX-License-Identifier: MIT
//
// SocketAcceptor: a listening socket of the system's.
#pragma once

#include <string>

#include "deferred/io/acceptor.hpp"
#include "deferred/io/descriptor.hpp"
#include "deferred/io/detail/unix_path.hpp"

namespace deferred::io::detail {

class SocketAcceptor final : public Acceptor {
 public:
  /// Takes over a socket that listens and does not block.
  SocketAcceptor(Reactor& reactor, Descriptor socket, BoundPath path);

  TransportPointer try_accept() override;
  Address local() const override { return local_; }
  int descriptor() const noexcept override { return socket_.fd(); }

 private:
  void do_close() noexcept override;
  std::string name_of(const Address& peer) const;

  Descriptor socket_;  // before what watches it
  FdReadiness connection_waits_;
  Address local_;
  BoundPath path_;
};

}  // namespace deferred::io::detail
