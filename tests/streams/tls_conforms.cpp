// SPDX-License-Identifier: MIT
// A transport that was written with public headers alone, over any stream, conforms: TLS.
#include <string>
#include <utility>

#include "deferred/testing/faulty_stream.hpp"
#include "deferred/testing/memory_pipe.hpp"
#include "deferred/testing/stream_conformance_doctest.hpp"
#include "tests/streams/tls_pair.hpp"

using namespace deferred;
using namespace deferred::testing;

namespace {

Task<StreamPair> tls_in_memory(Reactor& reactor) { return tls_pair(memory_pipe(reactor)); }

Task<StreamPair> tls_in_tls(Reactor& reactor) {
  StreamPair outer = co_await tls_pair(memory_pipe(reactor));
  Task<StreamPair> inner = tls_pair(std::move(outer));
  co_return co_await std::move(inner);
}

Task<StreamPair> tls_byte_by_byte(Reactor& reactor) {
  FaultPlan plan;
  plan.fault = StreamFault::one_byte;
  plan.from_then_on = true;
  StreamPair pair = memory_pipe(reactor);
  pair.near = faulty(std::move(pair.near), plan);
  pair.far = faulty(std::move(pair.far), plan);
  return tls_pair(std::move(pair));
}

void check_tls(const char* name, MakeStreamPair make) {
  StreamUnderTest tried;
  tried.name = name;
  tried.make = std::move(make);
  tried.reactor = in_virtual_time();
  check_stream(tried);
}

}  // namespace

TEST_CASE("TLS conforms") { check_tls("tls", tls_in_memory); }

TEST_CASE("TLS in TLS conforms") { check_tls("tls-in-tls", tls_in_tls); }

TEST_CASE("TLS over a stream that moves one byte at a time conforms") {
  check_tls("tls-byte-by-byte", tls_byte_by_byte);
}
