// SPDX-License-Identifier: MIT
// What a program sees of UDP in a simulation.
#include <algorithm>
#include <set>
#include <vector>

#include "deferred/io/bind.hpp"
#include "tests/simulation/simulated.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::Address;
using io::Datagram;

namespace {

Task<Datagram> bound(std::string endpoint) { co_return io::bind(endpoint); }
Task<std::string> bound_at(std::string endpoint) { co_return io::bind(endpoint).local().text(); }
Task<std::string> bound_twice(std::string first, std::string second) {
  const Datagram one = io::bind(first);
  const Datagram two = io::bind(second);
  co_return two.local().text();
}

/// "TEXT from ADDRESS".
Task<std::string> came(Datagram& at, std::size_t room = 100) {
  std::string bytes(room, ' ');
  const io::Received received = co_await at.receive(bytes);
  bytes.resize(received.size);
  if (received.truncated) bytes += "...";
  co_return bytes + " from " + received.from.text();
}
Task<> sent(Datagram& from, std::string text, Address to) { co_await from.send_to(text, to); }

/// Two nodes with a Datagram each, of which each datagram takes a millisecond to the other.
class TwoBound {
 public:
  explicit TwoBound(Simulated& in, std::string near_endpoint = "udp:*:1000")
      : sim(in.sim), a(sim.node("a")), b(sim.node("b")) {
    near = sim.run_until(a.spawn(bound(std::move(near_endpoint))));
    far = sim.run_until(b.spawn(bound("udp:*:2000")));
  }
  void send(std::string text) { sim.run_until(a.spawn(sent(near, std::move(text), to_far))); }
  /// What has come to the far one so far.
  std::vector<std::string> all_that_came() {
    std::vector<std::string> all;
    const auto receives = [&]() -> Task<> {
      while (true) all.push_back(co_await came(far));
    };
    Spawned<void> receiver = b.spawn(receives);
    sim.run();
    receiver.task().close();
    return all;
  }

  Simulation& sim;
  Node& a;
  Node& b;
  Datagram near;
  Datagram far;
  const Address to_far = Address::parse("10.0.0.2:2000");
};

}  // namespace

TEST_CASE_FIXTURE(Simulated, "a datagram comes after the latency, with the address of its sender") {
  TwoBound both(*this);
  Spawned<std::string> receiver = both.b.spawn(came(both.far));
  const Duration before = now();

  both.send("hello");

  CHECK(sim.run_until(std::move(receiver)) == "hello from 10.0.0.1:1000");
  CHECK(now() == before + 1ms);
}

TEST_CASE_FIXTURE(Simulated, "a datagram goes by IPv6 to an address of IPv6") {
  TwoBound both(*this);

  sim.run_until(both.a.spawn(sent(both.near, "hello", Address::parse("[fd00::2]:2000"))));

  CHECK(both.all_that_came() == std::vector<std::string>{"hello from [fd00::1]:1000"});
}

TEST_CASE_FIXTURE(Simulated, "each datagram is received alone, whole or cut, an empty one too") {
  TwoBound both(*this);
  for (const char* const text : {"one", "", "three"}) both.send(text);
  sim.run();

  CHECK(sim.run_until(both.b.spawn(came(both.far))) == "one from 10.0.0.1:1000");
  CHECK(sim.run_until(both.b.spawn(came(both.far))) == " from 10.0.0.1:1000");
  CHECK(sim.run_until(both.b.spawn(came(both.far, 3))) == "thr... from 10.0.0.1:1000");
}

TEST_CASE_FIXTURE(Simulated, "datagrams overtake each other where they take different times") {
  TwoBound both(*this);
  sim.links().latency(1ms, 100ms);
  for (int i = 0; i < 20; ++i) both.send(std::string(1, static_cast<char>('a' + i)));

  const std::vector<std::string> all = both.all_that_came();

  CHECK(all.size() == 20);
  CHECK_FALSE(std::is_sorted(all.begin(), all.end()));
}

TEST_CASE_FIXTURE(Simulated, "as many datagrams are lost and doubled as the link says") {
  TwoBound both(*this);
  sim.link("a", "b").datagrams(0.25, 0.5);
  for (int i = 0; i < 1000; ++i) both.send(std::to_string(i));

  const std::vector<std::string> all = both.all_that_came();

  const std::set<std::string> different(all.begin(), all.end());
  CHECK(different.size() > 700);
  CHECK(different.size() < 800);
  CHECK(all.size() - different.size() > 300);
  CHECK(all.size() - different.size() < 450);
}

TEST_CASE_FIXTURE(Simulated, "a datagram that a partition meets is lost, and not sent again") {
  TwoBound both(*this);
  both.send("on its way");
  sim.partition({"a"}, {"b"});
  both.send("behind it");
  sim.run(10ms);
  sim.heal();
  both.send("after");

  CHECK(both.all_that_came() == std::vector<std::string>{"after from 10.0.0.1:1000"});
}

TEST_CASE_FIXTURE(Simulated,
                  "of nobody at its address hears who is connected, once, and no other") {
  TwoBound both(*this);
  Datagram other = sim.run_until(both.a.spawn(bound("udp:*:0")));
  both.far.close();
  both.near.connect(both.to_far);
  both.send("x");
  sim.run_until(both.a.spawn(sent(other, "x", both.to_far)));
  sim.run();

  CHECK(what(outcome_of(both.a.spawn(came(both.near)))) ==
        "receive on 10.0.0.1:1000: Connection refused");
  Spawned<std::string> again = both.a.spawn(came(both.near));
  Spawned<std::string> of_other = both.a.spawn(came(other));
  sim.run();
  CHECK_FALSE(again.done());
  CHECK_FALSE(of_other.done());
  again.task().close();
  of_other.task().close();
}

TEST_CASE_FIXTURE(Simulated, "who is connected receives of his peer alone") {
  TwoBound both(*this);
  Datagram third = sim.run_until(sim.node("c").spawn(bound("udp:*:3000")));
  both.far.connect(Address::parse("10.0.0.1:1000"));

  sim.run_until(sim.node("c").spawn(sent(third, "third", both.to_far)));
  both.send("peer");

  CHECK(both.all_that_came() == std::vector<std::string>{"peer from 10.0.0.1:1000"});
}

TEST_CASE_FIXTURE(Simulated, "connecting drops what has come from others, and keeps the peer's") {
  TwoBound both(*this);
  Datagram third = sim.run_until(sim.node("c").spawn(bound("udp:*:3000")));
  sim.run_until(sim.node("c").spawn(sent(third, "third", both.to_far)));
  both.send("peer");
  sim.run();

  both.far.connect(Address::parse("10.0.0.1:1000"));

  CHECK(both.all_that_came() == std::vector<std::string>{"peer from 10.0.0.1:1000"});
}

TEST_CASE_FIXTURE(Simulated, "connect_datagram() finds a node by its name") {
  TwoBound both(*this);
  const auto asks = []() -> Task<> {
    Datagram made = co_await io::connect_datagram("udp:b:2000");
    co_await made.send("hello");
  };

  sim.run_until(sim.node("c").spawn(asks));

  CHECK(both.all_that_came() == std::vector<std::string>{"hello from [fd00::3]:49152"});
}

TEST_CASE_FIXTURE(Simulated, "what nobody takes is kept as far as there is room") {
  TwoBound both(*this);
  for (int i = 0; i < 300; ++i) both.send(std::string(1000, 'x'));

  CHECK(both.all_that_came().size() == 212);
}

TEST_CASE_FIXTURE(Simulated, "what cannot be sent is an error that names whom it was for") {
  TwoBound both(*this, "udp:10.0.0.1:1000");
  Datagram inside = sim.run_until(both.a.spawn(bound("udp:127.0.0.1:0")));
  const auto said_of = [&](Datagram& from, const std::string& text, const char* to) {
    return what(outcome_of(both.a.spawn(sent(from, text, Address::parse(to)))));
  };

  CHECK(said_of(both.near, std::string(65'508, 'x'), "10.0.0.2:2000") ==
        "send to 10.0.0.2:2000: Message too long");
  CHECK(said_of(both.near, std::string(65'507, 'x'), "10.0.0.2:2000") == "no error");
  CHECK(said_of(both.near, "x", "[fd00::2]:2000") ==
        "send to [fd00::2]:2000: Address family not supported by protocol");
  CHECK(said_of(both.near, "x", "192.0.2.1:9") == "send to 192.0.2.1:9: No route to host");
  CHECK(said_of(both.near, "x", "10.0.0.2:0") == "send to 10.0.0.2:0: Invalid argument");
  CHECK(said_of(inside, "x", "10.0.0.2:2000") == "send to 10.0.0.2:2000: Invalid argument");
}

TEST_CASE_FIXTURE(Simulated, "a port of datagrams has one owner, and TCP has ports of its own") {
  Node& a = sim.node("a");
  const auto both_kinds = []() -> Task<> {
    const io::Listener listener = io::listen("tcp:*:80");
    const Datagram datagrams = io::bind("udp:*:80");
    co_return;
  };

  CHECK(what(outcome_of(a.spawn(bound_twice("udp:*:80", "udp:10.0.0.1:80")))) ==
        "bind to 10.0.0.1:80: Address already in use");
  CHECK(what(outcome_of(a.spawn(bound_at("udp:10.0.0.9:80")))) ==
        "bind to 10.0.0.9:80: Cannot assign requested address");
  CHECK(what(outcome_of(a.spawn(both_kinds))) == "no error");
  CHECK(sim.run_until(a.spawn(bound_twice("udp:*:80:share_port=yes", "udp:*:80:share_port=yes"))) ==
        "[::]:80");
  CHECK(a.open_descriptors() == 0);
}

TEST_CASE_FIXTURE(Simulated, "datagrams of Unix are refused, and those of no node") {
  CHECK(what(outcome_of(sim.node("a").spawn(bound_at("unixgram:/run/a")))) ==
        "bind to unix:/run/a: Address family not supported by protocol");
  CHECK(what(outcome_of(spawn(sim.reactor(), bound_at("udp:*:80")))) ==
        "simulation: bind to [::]:80 in a task of no node: start it with Node::spawn()");
}

TEST_CASE_FIXTURE(Simulated, "who receives when his node dies is told, and others are refused") {
  TwoBound both(*this);
  both.b.kill();
  both.near.connect(both.to_far);

  both.send("x");
  sim.run();

  CHECK_FALSE(both.far.is_open());
  CHECK(what(outcome_of(both.a.spawn(came(both.near)))) ==
        "receive on 10.0.0.1:1000: Connection refused");
}

TEST_CASE_FIXTURE(Simulated, "datagrams to a node that has vanished are gone without a word") {
  TwoBound both(*this);
  both.b.vanish();
  both.near.connect(both.to_far);
  Spawned<std::string> receiver = both.a.spawn(came(both.near));

  both.send("x");
  sim.run();

  CHECK_FALSE(receiver.done());
  receiver.task().close();
}

TEST_CASE_FIXTURE(Simulated, "sends and receives that have to wait a turn lose nothing") {
  TwoBound both(*this);
  sim.faults(Faults().would_blocks());
  for (int i = 0; i < 100; ++i) both.send("x");

  CHECK(both.all_that_came().size() == 100);
}
