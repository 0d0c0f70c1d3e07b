// SPDX-License-Identifier: MIT
//
// The kinds of endpoint that are of datagrams: "udp:HOST:PORT", "unixgram:PATH".
#pragma once

#include "deferred/io/endpoint_kinds.hpp"

namespace deferred::io::detail {

class DatagramKind : public EndpointKind {
 public:
  Task<Stream> connect(Endpoint endpoint, ConnectOptions options) override;
  Listener listen(Reactor& reactor, const Endpoint& endpoint,
                  const ListenOptions& options) override;
};

class UdpKind final : public DatagramKind {
 public:
  Datagram bind(Reactor& reactor, const Endpoint& endpoint, const ListenOptions& options) override;
  Task<Datagram> connect_datagram(Endpoint endpoint, ConnectOptions options) override;
};

class UnixDatagramKind final : public DatagramKind {
 public:
  Datagram bind(Reactor& reactor, const Endpoint& endpoint, const ListenOptions& options) override;
  Task<Datagram> connect_datagram(Endpoint endpoint, ConnectOptions options) override;
};

}  // namespace deferred::io::detail
