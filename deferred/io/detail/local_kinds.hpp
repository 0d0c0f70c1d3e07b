// SPDX-License-Identifier: MIT
//
// The kinds of endpoint that need no address: "stdio:", "process:PROGRAM:ARGUMENT...".
#pragma once

#include "deferred/io/endpoint_kinds.hpp"

namespace deferred::io::detail {

class StandardKind final : public EndpointKind {
 public:
  Task<Stream> connect(Endpoint endpoint, ConnectOptions options) override;
  Listener listen(Reactor& reactor, const Endpoint& endpoint,
                  const ListenOptions& options) override;
};

class ProcessKind final : public EndpointKind {
 public:
  Task<Stream> connect(Endpoint endpoint, ConnectOptions options) override;
  Listener listen(Reactor& reactor, const Endpoint& endpoint,
                  const ListenOptions& options) override;
};

}  // namespace deferred::io::detail
