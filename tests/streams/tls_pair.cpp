// SPDX-License-Identifier: MIT
#include "tests/streams/tls_pair.hpp"

#include <tuple>
#include <utility>

#include "deferred/yieldables/all.hpp"

namespace deferred::testing {

const TlsIdentity& tls_server_identity() {
  static const TlsIdentity identity("server.test");
  return identity;
}

Task<StreamPair> tls_pair(StreamPair lower) {
  static const TlsContext knows_server = TlsContext::client(tls_server_identity());
  static const TlsContext is_server = TlsContext::server(tls_server_identity());
  Task<io::Stream> client = tls_stream(std::move(lower.near), knows_server, "server.test");
  Task<io::Stream> server = tls_stream(std::move(lower.far), is_server, "");
  auto both = co_await all(std::move(client), std::move(server));
  co_return StreamPair(std::move(std::get<0>(both)), std::move(std::get<1>(both)));
}

}  // namespace deferred::testing
