// SPDX-License-Identifier: MIT
//
// EndpointKind: what connect(), listen() and, of datagrams, bind() and connect_datagram() make of
// "KIND:...". tcp, unix, udp, unixgram, fd, stdio and process are there; a library adds its own, as
// "tls". Next: endpoint.hpp, the text.
#pragma once

#include <memory>
#include <string>

#include "deferred/io/connect_options.hpp"
#include "deferred/io/datagram.hpp"
#include "deferred/io/endpoint.hpp"
#include "deferred/io/listen_options.hpp"
#include "deferred/io/listener.hpp"
#include "deferred/io/stream.hpp"
#include "deferred/memory/api.hpp"

namespace deferred::io {

/// Checks the endpoint's parts and options (Endpoint::require), and does what they say. For what it
/// cannot do it says so by Endpoint::refuse().
class DEFERRED_API EndpointKind {
 public:
  virtual ~EndpointKind() = default;

  virtual Task<Stream> connect(Endpoint endpoint, ConnectOptions options) = 0;
  virtual Listener listen(Reactor& reactor, const Endpoint& endpoint,
                          const ListenOptions& options) = 0;

  /// Of datagrams. A kind that does not override them refuses: it is one of streams.
  virtual Datagram bind(Reactor& reactor, const Endpoint& endpoint, const ListenOptions& options);
  virtual Task<Datagram> connect_datagram(Endpoint endpoint, ConnectOptions options);
};

/// From now on, on this reactor, "NAME:..." is of this kind, whatever it was before.
DEFERRED_API void use_endpoint_kind(Reactor& reactor, std::string name,
                                    std::shared_ptr<EndpointKind> kind);

}  // namespace deferred::io
