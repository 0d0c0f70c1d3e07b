// SPDX-License-Identifier: MIT
//
// Network: where connect(), listen() and bind() go. There is the system's; who tests a service
// gives it another one, and the code under test names none. Next: connect.hpp, listen.hpp,
// bind.hpp.
#pragma once

#include <string>
#include <vector>

#include "deferred/io/address.hpp"
#include "deferred/io/datagram.hpp"
#include "deferred/io/listen_options.hpp"
#include "deferred/io/listener.hpp"
#include "deferred/io/stream.hpp"
#include "deferred/memory/api.hpp"
#include "deferred/tasks/task_local.hpp"

namespace deferred::io {

/// Of one reactor, and on its thread only.
class DEFERRED_API Network {
 public:
  virtual ~Network() = default;

  /// One attempt. Throws what it comes to, as std::system_error, "connect to ADDRESS". Cancelled,
  /// it leaves nothing behind. REQUIRES, as of the others: the network outlives the task.
  virtual Task<Stream> connect(Address to) = 0;
  /// Throws std::system_error, "listen on ADDRESS". Port 0 picks a free one.
  virtual Listener listen(const Address& at, const ListenOptions& options) = 0;
  /// For datagrams. Throws std::system_error, "bind to ADDRESS". Port 0, and the unnamed address,
  /// pick a free one. A network that does not override it has none: Errc::not_supported.
  virtual Datagram bind(const Address& at, const ListenOptions& options);
  /// The addresses of a host, most wanted first, with port 0: at least one. Is asked for names
  /// only: literals and localhost are known. Throws std::system_error, "look up HOST".
  virtual Task<std::vector<Address>> look_up(std::string host) = 0;

 protected:
  Network() = default;
  Network(const Network&) = default;
  Network& operator=(const Network&) = default;
};

/// The one that the running microthread uses, else the reactor's, else the system's.
DEFERRED_API Network& current_network();
/// As seen from outside of tasks: for listen(reactor, ...).
DEFERRED_API Network& current_network(Reactor& reactor);

/// The running microthread, and what it spawns from now on, use it, until what this gives is
/// dropped. REQUIRES: `network` outlives them.
[[nodiscard]] DEFERRED_API RestoreTaskLocal use_network(Network& network);
/// All on the reactor use it from now on, but for those that have one of their own; null: the
/// system's again. REQUIRES: `network` outlives the reactor, or the next call.
DEFERRED_API void use_network(Reactor& reactor, Network* network);

}  // namespace deferred::io
