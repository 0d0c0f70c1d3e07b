// SPDX-License-Identifier: MIT
//
// Two ends that speak TLS with each other.
#pragma once

#include "deferred/tasks/task.hpp"
#include "deferred/testing/stream_pair.hpp"
#include "tests/streams/tls.hpp"

namespace deferred::testing {

/// Who the server is: "server.test".
const TlsIdentity& tls_server_identity();

/// Over `lower`: the near end is the client.
Task<StreamPair> tls_pair(StreamPair lower);

}  // namespace deferred::testing
