// SPDX-License-Identifier: MIT
//
// The system's sockets: SocketTransport, for TCP and Unix, and the calls that make connected and
// listening ones. Next: socket_acceptor.hpp.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "deferred/io/address.hpp"
#include "deferred/io/descriptor.hpp"
#include "deferred/io/listen_options.hpp"
#include "deferred/io/transport.hpp"

namespace deferred::io::detail {

/// Of the last system call.
std::error_code last_error() noexcept;
bool would_block() noexcept;

/// A stream socket of a family, or one of datagrams. `what` is put before an error.
Descriptor new_socket(Address::Family family, bool datagrams, const std::string& what);
/// A socket of its own, that is bound there. Unnamed: a Unix socket with a name that the kernel
/// picks.
Descriptor bound_socket(const Address& at, bool datagrams, const ListenOptions& options,
                        const std::string& what);
/// A socket of its own, that listens there.
Descriptor listening_socket(const Address& at, const ListenOptions& options,
                            const std::string& what);
/// What getsockopt() says, of SOL_SOCKET.
int option(int socket, int name, const std::string& what);
/// Checks that it is a stream socket, that listens or does not: std::errc::invalid_argument is
/// thrown if not. Lets one that listens not block.
void take_over(const Descriptor& socket, bool listens, const std::string& what);
/// Where a socket is, and whom it is connected to.
Address local_address(int socket, const std::string& what);
Address peer_address(int socket, const std::string& what);
/// What a connection attempt says: true if it has come about, false if it is under way.
bool begin_connect(int socket, const Address& to, std::error_code& error);
bool finish_connect(int socket, std::error_code& error);
/// Of TCP, small messages leave at once: what is written in one call is meant to go.
void send_without_delay(int socket) noexcept;

class SocketTransport final : public Transport {
 public:
  /// Takes over a connected socket, or one that is about to be, whether it blocks or not: the
  /// calls do not.
  SocketTransport(Reactor& reactor, Descriptor socket, std::string peer) noexcept;

  std::optional<std::size_t> try_read(std::span<char> into) override;
  std::optional<std::size_t> try_write(std::string_view data) override;
  bool try_shutdown_write() override;
  std::string local() const override;
  int descriptor() const noexcept override { return socket_.fd(); }

 private:
  void do_close(Ending how) noexcept override;
  [[noreturn]] void fail_reading(int error);
  [[noreturn]] void fail_writing(int error);

  // The kernel tells an error once, to whoever asks first; 0 as long as there is none.
  int read_error_ = 0;
  int write_error_ = 0;
  Descriptor socket_;  // before what watches it
  FdReadiness socket_readable_;
  FdReadiness socket_writable_;
};

}  // namespace deferred::io::detail
