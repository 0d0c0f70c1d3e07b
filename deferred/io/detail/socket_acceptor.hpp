// SPDX-License-Identifier: MIT
//
// SocketAcceptor: a listening socket of the system's.
#pragma once

#include <cstdint>
#include <string>

#include "deferred/io/acceptor.hpp"
#include "deferred/io/descriptor.hpp"

namespace deferred::io::detail {

/// The path of a Unix socket that this process has bound: it goes with the listener, if it is still
/// the one.
class BoundPath {
 public:
  /// None.
  BoundPath() noexcept = default;
  explicit BoundPath(std::string path);
  void remove() noexcept;

 private:
  std::string path_;
  dev_t device_ = 0;
  ino_t file_ = 0;
  pid_t process_ = 0;  // a child has the listener too, but the path is not its own
};

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
