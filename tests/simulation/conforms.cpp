// SPDX-License-Identifier: MIT
// Streams of the simulated network conform, as they are and with all that they may do to a program.
#include <string>
#include <utility>

#include "deferred/testing/stream_conformance_doctest.hpp"
#include "tests/simulation/simulated.hpp"
#ifdef DEFERRED_TEST_TLS
#include "tests/streams/tls_pair.hpp"
#endif

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::Stream;

namespace {

/// The network of a reactor, until that ends.
class Net {
 public:
  explicit Net(Reactor& reactor)
      : sim(7, reactor, dynamic_cast<reactors::VirtualTime&>(reactor.backend())) {
    sim.links().latency(1ms, 3ms);
  }
  Simulation sim;
};

Task<StreamPair> pair_between(Simulation& sim, const char* from, const char* to, std::string place,
                              std::string endpoint) {
  io::Listener listener;
  Stream near, far;
  const auto listens = [&]() -> Task<> {
    listener = io::listen(place);
    co_return;
  };
  const auto accepts = [&]() -> Task<> { far = co_await listener.accept(); };
  const auto connects = [&]() -> Task<> { near = co_await io::connect(endpoint); };
  Spawned<void> listening = sim.node(to).spawn(listens);
  co_await std::move(listening);
  Spawned<void> accepted = sim.node(to).spawn(accepts);
  Spawned<void> connected = sim.node(from).spawn(connects);
  co_await std::move(accepted);
  co_await std::move(connected);
  co_return StreamPair(std::move(near), std::move(far));
}

Task<StreamPair> by_tcp(Reactor& reactor) {
  return pair_between(reactor.service<Net>().sim, "a", "b", "tcp:*:80", "tcp:b:80");
}
Task<StreamPair> by_faulty_tcp(Reactor& reactor) {
  Simulation& sim = reactor.service<Net>().sim;
  sim.faults(Faults().short_reads().short_writes().would_blocks());
  return pair_between(sim, "a", "b", "tcp:*:80", "tcp:b:80");
}
Task<StreamPair> by_unix(Reactor& reactor) {
  return pair_between(reactor.service<Net>().sim, "a", "a", "unix:/run/a", "unix:/run/a");
}
#ifdef DEFERRED_TEST_TLS
Task<StreamPair> by_tls(Reactor& reactor) {
  StreamPair lower = co_await by_tcp(reactor);
  Task<StreamPair> pair = tls_pair(std::move(lower));
  co_return co_await std::move(pair);
}
#endif

void check_simulated(const char* name, Task<StreamPair> (*make)(Reactor&),
                     StreamTrait traits = whole_stream) {
  StreamUnderTest tried;
  tried.name = name;
  tried.make = make;
  tried.traits = traits;
  tried.reactor = in_virtual_time();
  tried.rest = 200ms;
  check_stream(tried);
}

}  // namespace

TEST_CASE("TCP of the simulated network conforms") { check_simulated("simulated tcp", by_tcp); }

TEST_CASE("short reads and writes of the simulated network, and its waits, conform") {
  check_simulated("simulated tcp with faults", by_faulty_tcp);
}

TEST_CASE("Unix sockets of the simulated network conform") {
  using enum StreamTrait;
  check_simulated("simulated unix", by_unix, two_ways | half_close | clogs);
}

#ifdef DEFERRED_TEST_TLS
TEST_CASE("TLS over the simulated network conforms") { check_simulated("simulated tls", by_tls); }
#endif
