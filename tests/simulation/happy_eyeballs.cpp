// SPDX-License-Identifier: MIT
// connect() to a name of which some addresses are cut off, some refuse and some are slow.
#include <vector>

#include "deferred/testing/for_each_seed.hpp"
#include "tests/simulation/simulated.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::Stream;

namespace {

Task<> say_name(std::string name) {
  io::Listener listener = io::listen("tcp:*:80");
  const auto answer = [name](Stream stream) -> Task<> { co_await stream.write_all(name); };
  co_await io::serve(listener, answer);
}

Task<std::string> ask_service() {
  Stream stream = co_await io::connect("tcp:service:80");
  co_return co_await stream.read_to_end();
}

/// A service of three nodes with two addresses each, all in some state or other.
void reaches_who_can_be_reached(Simulation& sim) {
  Random& random = sim.random();
  const std::vector<std::string> servers = {"one", "two", "three"};
  sim.name("service", servers);
  Node& client = sim.node("client");
  std::size_t good = 0;  // addresses
  for (const std::string& name : servers) {
    Node& node = sim.node(name);
    std::size_t of_node = 2;
    for (const io::Address& address : {node.ipv4(), node.ipv6()}) {
      if (random.below(2) == 0) continue;
      sim.partition({"client"}, {address.host()});
      --of_node;
    }
    switch (random.below(4)) {
      case 0:  // refuses
        of_node = 0;
        break;
      case 1:
        node.vanish();
        of_node = 0;
        break;
      case 2:
        sim.link("client", name).latency(100ms, 400ms);
        [[fallthrough]];
      default:
        node.spawn(say_name(name)).detach();
    }
    good += of_node;
  }
  const TimePoint begun = sim.reactor().now();

  Spawned<std::string> asking = client.spawn(ask_service());
  sim.run_until_true([&] { return asking.done(); });
  const Outcome<std::string> outcome = std::move(asking).deferred().result();
  const Duration took = sim.reactor().now() - begun;

  must(outcome.has_value() == (good != 0), "who can be reached is reached, and nobody else is");
  // Six addresses, the last of which is tried after 1.25 s, and four ways over a slow link.
  if (good != 0) must(took <= 1250ms + 4 * 400ms, "it is not waited for those that do not answer");
  must(took <= 30s, "there is a limit for all of it");
  must(client.open_descriptors() == 0, "no attempt is left behind");
}

}  // namespace

TEST_CASE("a service is reached as long as one of its addresses can be, and in time") {
  for_each_seed(200, reaches_who_can_be_reached);
}
