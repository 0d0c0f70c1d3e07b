// SPDX-License-Identifier: MIT
// Who reaches whom in a simulation, by which name, and who is refused.
#include <set>

#include "tests/simulation/simulated.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::Stream;

namespace {

/// Connects, and says by whom it was answered.
Task<std::string> reach(std::string endpoint) {
  Stream stream = co_await io::connect(endpoint);
  co_return co_await stream.read_to_end();
}

/// Answers all with its name.
Task<> say(std::string name, std::string endpoint) {
  io::Listener listener = io::listen(endpoint);
  const auto answer = [name](Stream stream) -> Task<> { co_await stream.write_all(name); };
  co_await io::serve(listener, answer);
}

Task<std::string> listen_at(std::string endpoint) {
  const io::Listener listener = io::listen(endpoint);
  co_return listener.local();
}

}  // namespace

TEST_CASE_FIXTURE(Simulated, "a node is reached by its name and by its addresses") {
  Node& a = sim.node("a");
  Node& b = sim.node("b");
  b.spawn(say("b", "tcp:*:80")).detach();

  CHECK(sim.run_until(a.spawn(reach("tcp:b:80"))) == "b");
  CHECK(sim.run_until(a.spawn(reach("tcp:" + b.ipv4().host() + ":80"))) == "b");
  CHECK(sim.run_until(a.spawn(reach("tcp:[" + b.ipv6().host() + "]:80"))) == "b");
  CHECK(b.ipv4().host() == "10.0.0.2");
  CHECK(b.ipv6().host() == "fd00::2");
}

TEST_CASE_FIXTURE(Simulated, "localhost is the node itself, and others have one of their own") {
  Node& a = sim.node("a");
  Node& b = sim.node("b");
  a.spawn(say("a", "tcp:localhost:80")).detach();

  CHECK(sim.run_until(a.spawn(reach("tcp:localhost:80"))) == "a");
  CHECK(sim.run_until(a.spawn(reach("tcp:127.0.0.1:80"))) == "a");
  CHECK(what(outcome_of(b.spawn(reach("tcp:localhost:80")))) ==
        "connect to localhost:80: Connection refused");
  CHECK(what(outcome_of(b.spawn(reach("tcp:a:80")))) == "connect to a:80: Connection refused");
}

TEST_CASE_FIXTURE(Simulated, "what a task of a node spawns is of that node too") {
  Node& a = sim.node("a");
  a.spawn(say("a", "tcp:localhost:80")).detach();
  const auto spawns = []() -> Task<std::string> {
    Spawned<std::string> inner = spawn(reach("tcp:localhost:80"));
    co_return co_await std::move(inner);
  };

  CHECK(sim.run_until(a.spawn(spawns)) == "a");
}

TEST_CASE_FIXTURE(Simulated,
                  "a task of no node is told so where it connects, listens or looks up") {
  const auto listens = []() -> Task<> {
    const io::Listener listener = io::listen("tcp:*:80");
    co_return;
  };

  CHECK(what(outcome_of(spawn(sim.reactor(), reach("tcp:10.0.0.1:80")))) ==
        "simulation: connect to 10.0.0.1:80 in a task of no node: start it with Node::spawn()");
  CHECK(what(outcome_of(spawn(sim.reactor(), reach("tcp:a:80")))) ==
        "simulation: look up a in a task of no node: start it with Node::spawn()");
  CHECK(what(outcome_of(spawn(sim.reactor(), listens))) ==
        "simulation: listen on [::]:80 in a task of no node: start it with Node::spawn()");
}

TEST_CASE_FIXTURE(Simulated, "a name of several nodes gives the addresses of all, IPv6 first") {
  sim.name("service", {"a", "b"});
  Node& client = sim.node("client");
  const auto looks_up = [](std::string name) -> Task<std::string> {
    std::string texts;
    const auto found = co_await io::names::look_up(name);
    for (const io::Address& address : found) texts += address.host() + " ";
    co_return texts;
  };

  CHECK(sim.run_until(client.spawn(looks_up("service"))) == "fd00::1 10.0.0.1 fd00::2 10.0.0.2 ");
  CHECK(sim.run_until(client.spawn(looks_up("b"))) == "fd00::2 10.0.0.2 ");
}

TEST_CASE_FIXTURE(Simulated, "a name that nobody has is not found") {
  Node& a = sim.node("a");

  const Outcome<std::string> outcome = outcome_of(a.spawn(reach("tcp:nobody:80")));

  const auto* const error = outcome.check<std::system_error>();
  REQUIRE(error);
  CHECK(error->code() == io::names::Errc::not_found);
}

TEST_CASE_FIXTURE(Simulated, "an address that nobody has cannot be reached") {
  CHECK(what(outcome_of(sim.node("a").spawn(reach("tcp:192.0.2.1:80")))) ==
        "connect to 192.0.2.1:80: No route to host");
}

TEST_CASE_FIXTURE(Simulated, "who connects where nobody listens is refused after one round trip") {
  sim.node("b");

  CHECK(what(outcome_of(sim.node("a").spawn(reach("tcp:10.0.0.1:80")))) ==
        "connect to 10.0.0.1:80: Connection refused");
  CHECK(now() == 2ms);
}

TEST_CASE_FIXTURE(Simulated, "connecting takes a round trip, and accepting half a one more") {
  const TwoEnds ends(*this);

  CHECK(now() == 3ms);
}

TEST_CASE_FIXTURE(Simulated, "both sides know the addresses of both") {
  const TwoEnds ends(*this);

  CHECK(ends.near.peer() == "[fd00::2]:80");
  CHECK(ends.far.local() == "[fd00::2]:80");
  CHECK(ends.near.local() == "[fd00::1]:49152");
  CHECK(ends.far.peer() == "[fd00::1]:49152");
  CHECK(ends.near.transport().descriptor() == -1);
}

TEST_CASE_FIXTURE(Simulated,
                  "a port has one listener, also of the other family if it is everywhere") {
  Node& a = sim.node("a");
  const auto twice = [](std::string first, std::string second) -> Task<std::string> {
    const io::Listener listener = io::listen(first);
    co_return io::listen(second).local();
  };

  CHECK(what(outcome_of(a.spawn(twice("tcp:*:80", "tcp:10.0.0.1:80")))) ==
        "listen on 10.0.0.1:80: Address already in use");
  CHECK(what(outcome_of(a.spawn(twice("tcp:[fd00::1]:80", "tcp:*:80")))) ==
        "listen on [::]:80: Address already in use");
  CHECK(sim.run_until(a.spawn(twice("tcp:0.0.0.0:80", "tcp:[fd00::1]:80"))) == "[fd00::1]:80");
  CHECK(sim.run_until(a.spawn(twice("tcp:127.0.0.1:80", "tcp:10.0.0.1:80"))) == "10.0.0.1:80");
  CHECK(sim.run_until(a.spawn(twice("tcp:*:80", "tcp:*:81"))) == "[::]:81");
}

TEST_CASE_FIXTURE(Simulated, "a closed listener leaves its port to the next") {
  Node& a = sim.node("a");

  CHECK(sim.run_until(a.spawn(listen_at("tcp:*:80"))) == "[::]:80");
  CHECK(sim.run_until(a.spawn(listen_at("tcp:*:80"))) == "[::]:80");
}

TEST_CASE_FIXTURE(Simulated, "port 0 is one that is free") {
  Node& a = sim.node("a");

  CHECK(sim.run_until(a.spawn(listen_at("tcp:*:0"))) == "[::]:49152");
  CHECK(sim.run_until(a.spawn(listen_at("tcp:*:0"))) == "[::]:49153");
}

TEST_CASE_FIXTURE(Simulated, "a node listens at its own addresses only") {
  sim.node("b");

  CHECK(what(outcome_of(sim.node("a").spawn(listen_at("tcp:10.0.0.1:80")))) ==
        "listen on 10.0.0.1:80: Cannot assign requested address");
}

TEST_CASE_FIXTURE(Simulated, "listeners that share a port divide those who come among them") {
  Node& a = sim.node("a");
  for (const std::string name : {"one", "two"}) {
    a.spawn(say(name, "tcp:*:80:share_port=yes")).detach();
  }
  std::string answers;
  for (int i = 0; i < 20; ++i) answers += sim.run_until(a.spawn(reach("tcp:a:80"))) + " ";

  CHECK(answers.find("one") != std::string::npos);
  CHECK(answers.find("two") != std::string::npos);
}

TEST_CASE_FIXTURE(Simulated, "where a line is full the next call is unanswered, and made again") {
  const auto accepts_late = []() -> Task<> {
    io::Listener listener = io::listen("tcp:*:80:backlog=2");
    co_await Pause{1500ms};
    for (int i = 0; i < 3; ++i) {
      const Stream stream = co_await listener.accept();
      co_await Pause{100ms};
    }
  };
  const auto connects = []() -> Task<Duration> {
    const Stream stream = co_await io::connect("tcp:10.0.0.1:80");
    co_return Reactor::current().now().time_since_epoch();
  };
  sim.node("server").spawn(accepts_late).detach();
  Node& client = sim.node("client");
  Spawned<Duration> one = client.spawn(connects);
  Spawned<Duration> two = client.spawn(connects);
  Spawned<Duration> three = client.spawn(connects);

  std::multiset<Duration> connected;
  for (Spawned<Duration>* const each : {&one, &two, &three}) {
    connected.insert(sim.run_until(std::move(*each)));
  }

  CHECK(connected == std::multiset<Duration>{2ms, 2ms, 3s + 2ms});
}

TEST_CASE_FIXTURE(Simulated,
                  "who connected and was not accepted is reset when the listener closes") {
  const auto listens = []() -> Task<> {
    const io::Listener listener = io::listen("tcp:*:80");
    co_await Pause{1s};
  };
  sim.node("b").spawn(listens).detach();

  CHECK(what(outcome_of(sim.node("a").spawn(reach("tcp:10.0.0.1:80")))) ==
        "read from 10.0.0.1:80: Connection reset by peer");
  CHECK(now() == 1001ms);
}

TEST_CASE_FIXTURE(Simulated,
                  "a connect that is cancelled leaves nothing: the server sees a reset") {
  Node& a = sim.node("a");
  const auto accepts = []() -> Task<std::string> {
    io::Listener listener = io::listen("tcp:*:80");
    Stream stream = co_await listener.accept();
    co_return co_await stream.read_to_end();
  };
  Spawned<std::string> server = sim.node("b").spawn(accepts);
  Spawned<std::string> client = a.spawn(reach("tcp:10.0.0.2:80"));

  sim.run(2ms - 1us);
  client.task().cancel();
  sim.run(1s);

  CHECK(outcome_of(std::move(client)).check<Cancelled>());
  CHECK(a.open_descriptors() == 0);
  CHECK_FALSE(server.done());  // it has never been there
  server.task().close();
}

TEST_CASE_FIXTURE(Simulated, "any address is this host to who connects, as it is on Linux") {
  Node& a = sim.node("a");
  a.spawn(say("here", "tcp:*:80")).detach();

  CHECK(sim.run_until(a.spawn(reach("tcp:0.0.0.0:80"))) == "here");
  CHECK(sim.run_until(a.spawn(reach("tcp:[::]:80"))) == "here");
}

TEST_CASE_FIXTURE(Simulated, "other loopback addresses than 127.0.0.1 are nobody's") {
  Node& a = sim.node("a");
  a.spawn(say("here", "tcp:127.0.0.1:80")).detach();

  CHECK(what(outcome_of(a.spawn(reach("tcp:127.0.0.2:80")))) ==
        "connect to 127.0.0.2:80: No route to host");
  CHECK(what(outcome_of(a.spawn(say("here", "tcp:127.0.0.2:80")))) ==
        "listen on 127.0.0.2:80: Cannot assign requested address");
}

TEST_CASE_FIXTURE(Simulated, "to the peer of a Unix socket an abort is an end, as it is on Linux") {
  const auto aborts = []() -> Task<> {
    io::Listener listener = io::listen("unix:/run/a");
    io::Stream stream = co_await listener.accept();
    stream.abort();
    co_await Pause{1h};
  };
  const auto reads = []() -> Task<std::string> {
    io::Stream stream = co_await io::connect("unix:/run/a");
    co_return co_await stream.read_to_end();
  };
  Node& a = sim.node("a");
  a.spawn(aborts).detach();
  settle();

  CHECK(what(outcome_of(a.spawn(reads))) == "no error");
}

TEST_CASE_FIXTURE(Simulated, "Unix sockets are those of one node") {
  Node& a = sim.node("a");
  a.spawn(say("a", "unix:/run/a")).detach();
  a.spawn(say("abstract", "unix:@name")).detach();

  CHECK(sim.run_until(a.spawn(reach("unix:/run/a"))) == "a");
  CHECK(sim.run_until(a.spawn(reach("unix:@name"))) == "abstract");
  CHECK(what(outcome_of(sim.node("b").spawn(reach("unix:/run/a")))) ==
        "connect to unix:/run/a: No such file or directory");
  CHECK(what(outcome_of(sim.node("b").spawn(reach("unix:@name")))) ==
        "connect to unix:@name: Connection refused");
}
