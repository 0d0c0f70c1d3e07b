// SPDX-License-Identifier: MIT
//
// Kinds: which EndpointKind a reactor's texts are of.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "deferred/io/endpoint_kinds.hpp"

namespace deferred::io::detail {

class [[gnu::visibility("hidden")]] Kinds {
 public:
  explicit Kinds(Reactor& reactor);

  /// Errc::bad_endpoint, with those there are, for one that there is not. Owned with the reactor.
  std::shared_ptr<EndpointKind> of(const Endpoint& endpoint) const;
  void set(std::string name, std::shared_ptr<EndpointKind> kind);

 private:
  std::map<std::string, std::shared_ptr<EndpointKind>> kinds_;
};

/// The options of a listening endpoint go before those of the call.
ListenOptions options_of(const Endpoint& endpoint, ListenOptions options);
/// Of "tcp:HOST:PORT" and "unix:PATH", checked for listening.
void require_tcp_listener(const Endpoint& endpoint);
void require_unix_listener(const Endpoint& endpoint);

}  // namespace deferred::io::detail
