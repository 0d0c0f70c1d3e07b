// SPDX-License-Identifier: MIT
// Packets that do not get through: what is sent again, when it comes, and when that is given up.
#include "tests/simulation/simulated.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::Stream;

namespace {

io::ConnectOptions without_limit() { return io::ConnectOptions(1h); }

Task<> connect_to_b() {
  const Stream stream = co_await io::connect("tcp:10.0.0.2:80", without_limit());
}

/// So many bytes.
Task<std::string> message_of(Stream& stream, std::size_t size) {
  std::string bytes(size, ' ');
  co_await stream.read_exactly(bytes);
  co_return bytes;
}

struct Cut : Simulated {
  Cut() {
    sim.node("a");
    sim.node("b").spawn(echo_server()).detach();
  }
};

}  // namespace

TEST_CASE_FIXTURE(Cut, "a call that is not answered is made again for 127 s, and then given up") {
  sim.partition({"a"}, {"b"});

  CHECK(what(outcome_of(sim.node("a").spawn(connect_to_b()))) ==
        "connect to 10.0.0.2:80: Connection timed out");
  CHECK(now() == 127s);
}

TEST_CASE_FIXTURE(Cut, "a call comes through when it is made again after the partition") {
  sim.partition({"a"}, {"b"});
  Spawned<void> client = sim.node("a").spawn(connect_to_b());
  sim.run(4s);
  sim.heal();

  sim.run_until(std::move(client));

  CHECK(now() == 7s + 2ms);  // made at 0, 1, 3 and 7 s
}

TEST_CASE_FIXTURE(Cut, "a call whose answer is lost is made again, and accepted once") {
  Spawned<void> client = sim.node("a").spawn(connect_to_b());
  sim.run(1ms);
  sim.partition({"a"}, {"b"});
  sim.run(500ms);
  sim.heal();

  sim.run_until(std::move(client));
  sim.run();

  CHECK(now() < 2s);
  CHECK(sim.node("b").open_descriptors() == 1);  // its listener
}

TEST_CASE_FIXTURE(Simulated, "of nodes on one side of a partition all reach each other") {
  for (const char* name : {"a", "b", "c"}) sim.node(name).spawn(echo_server()).detach();
  sim.partition({"a"}, {"b", "c"});
  const auto reaches = [](std::string name) -> Task<> {
    const Stream stream = co_await io::connect("tcp:" + name + ":80", io::ConnectOptions(10s));
  };

  CHECK(what(outcome_of(sim.node("b").spawn(reaches("c")))) == "no error");
  CHECK(what(outcome_of(sim.node("a").spawn(reaches("localhost")))) == "no error");
  CHECK(what(outcome_of(sim.node("a").spawn(reaches("b")))) ==
        "connect to b:80: Connection timed out");
  CHECK(what(outcome_of(sim.node("c").spawn(reaches("a")))) ==
        "connect to a:80: Connection timed out");
}

TEST_CASE_FIXTURE(Simulated, "partitions add up, and all are healed at once") {
  for (const char* name : {"a", "b", "c"}) sim.node(name).spawn(echo_server()).detach();
  const auto reaches = [](std::string name) -> Task<> {
    const Stream stream = co_await io::connect("tcp:" + name + ":80", io::ConnectOptions(1s));
  };
  sim.partition({"a"}, {"b"});
  sim.partition({"a"}, {"c"});
  CHECK(what(outcome_of(sim.node("a").spawn(reaches("b")))) != "no error");
  CHECK(what(outcome_of(sim.node("a").spawn(reaches("c")))) != "no error");

  sim.heal();

  CHECK(what(outcome_of(sim.node("a").spawn(reaches("b")))) == "no error");
  CHECK(what(outcome_of(sim.node("a").spawn(reaches("c")))) == "no error");
}

TEST_CASE_FIXTURE(Simulated,
                  "an address of a node can be cut off alone: the other one is reached") {
  sim.node("b").spawn(echo_server()).detach();
  const std::string six = sim.node("b").ipv6().host();
  sim.partition({"a"}, {six});
  const auto reaches = []() -> Task<std::string> {
    const Stream stream = co_await io::connect("tcp:b:80");
    co_return stream.peer();
  };

  CHECK(sim.run_until(sim.node("a").spawn(reaches)) == "10.0.0.1:80");
  CHECK(now() == 252ms);
}

TEST_CASE_FIXTURE(Simulated,
                  "a partition of a node from itself, or from an unknown address, is none") {
  sim.node("a");

  CHECK_THROWS_AS(sim.partition({"a"}, {"b", "a"}), std::invalid_argument);
  CHECK_THROWS_AS(sim.partition({"a"}, {"10.9.9.9"}), std::invalid_argument);
}

TEST_CASE_FIXTURE(Simulated,
                  "what is written in a partition comes when it is sent again after it") {
  TwoEnds ends(*this);
  sim.partition({"a"}, {"b"});
  const Duration sent = now();
  for (const char* word : {"one ", "two ", "three"}) {
    sim.run_until(ends.a.spawn(write_to(ends.near, word)));
  }
  sim.run(1s);
  sim.heal();

  CHECK(sim.run_until(ends.b.spawn(read_from(ends.far))) == "one two three");
  CHECK(now() == sent + 1400ms + 1ms);  // sent again after 200 ms, 400 ms and 800 ms
}

TEST_CASE_FIXTURE(Simulated, "what is on its way when a partition begins is sent again, in order") {
  TwoEnds ends(*this);
  sim.links().latency(10ms);
  sim.run_until(ends.a.spawn(write_to(ends.near, "before ")));
  sim.run(5ms);
  sim.run_until(ends.a.spawn(write_to(ends.near, "and ")));
  sim.partition({"a"}, {"b"});
  sim.run(20ms);
  sim.heal();
  sim.run_until(ends.a.spawn(write_to(ends.near, "after")));

  CHECK(sim.run_until(ends.b.spawn(read_from(ends.far))) == "before and after");
}

TEST_CASE_FIXTURE(Simulated, "a packet that gets through behind one that was lost waits for it") {
  TwoEnds ends(*this);
  sim.links().latency(10ms);
  sim.run_until(ends.a.spawn(write_to(ends.near, "first ")));
  sim.run(5ms);
  sim.run_until(ends.a.spawn(write_to(ends.near, "second")));
  sim.partition({"a"}, {"b"});
  sim.run(6ms);
  sim.heal();
  Spawned<std::string> reader = ends.b.spawn(read_from(ends.far));
  sim.run(10ms);
  CHECK_FALSE(reader.done());
  ends.near.close();

  CHECK(sim.run_until(std::move(reader)) == "first second");
}

TEST_CASE_FIXTURE(Simulated, "a stream that gets nothing through times out after 15 minutes") {
  TwoEnds ends(*this);
  sim.partition({"a"}, {"b"});
  const Duration sent = now();
  sim.run_until(ends.a.spawn(write_to(ends.near, "x")));

  CHECK(what(outcome_of(ends.a.spawn(read_from(ends.near)))) ==
        "read from [fd00::2]:80: Connection timed out");
  CHECK(now() == sent + 924'600ms);
  CHECK(what(outcome_of(ends.a.spawn(write_to(ends.near, "y")))) ==
        "write to [fd00::2]:80: Connection timed out");
}

TEST_CASE_FIXTURE(Simulated, "who only reads hears nothing of a partition, however long it is") {
  TwoEnds ends(*this);
  sim.partition({"a"}, {"b"});
  Spawned<std::string> reader = ends.b.spawn(read_from(ends.far));
  sim.run(24h);
  CHECK_FALSE(reader.done());
  sim.heal();
  sim.run_until(ends.a.spawn(write_to(ends.near, "x")));

  CHECK(sim.run_until(std::move(reader)) == "x");
}

TEST_CASE("a writer whose room is lost on the way waits until it is said again, or times out") {
  const auto said_after = [](Duration time) {
    Simulated fresh;
    TwoEnds ends(fresh);
    fresh.sim.run_until(ends.a.spawn(write_to(ends.near, std::string(65'536, 'x'))));
    fresh.sim.run();
    Spawned<void> writer = ends.a.spawn(write_to(ends.near, "y"));
    fresh.settle();
    fresh.sim.partition({"a"}, {"b"});
    fresh.sim.run_until(ends.b.spawn(read_from(ends.far)));
    fresh.sim.run(time);
    fresh.sim.heal();
    return what(fresh.outcome_of(std::move(writer)));
  };

  CHECK(said_after(10min) == "no error");
  CHECK(said_after(20min) == "write to [fd00::2]:80: Connection timed out");
}

TEST_CASE_FIXTURE(Simulated,
                  "room that is told by a packet behind one that was lost is told again") {
  sim.links().latency(1s);
  TwoEnds ends(*this);
  sim.run_until(ends.a.spawn(write_to(ends.near, std::string(64 * 1024, 'x'))));
  sim.run(10s);
  const auto answers = [&]() -> Task<> {
    std::string part(16'383, ' ');  // less than what is told by itself
    co_await ends.far.write_all("A");
    co_await Pause{300ms};
    for (int i = 0; i < 4; ++i) {
      co_await ends.far.read_exactly(part);
      co_await ends.far.write_all("B");
      co_await Pause{50ms};
    }
  };
  Spawned<void> server = ends.b.spawn(answers);

  sim.run(999ms);
  sim.partition({"a"}, {"b"});  // as "A" arrives
  sim.run(2ms);
  sim.heal();
  const std::string heard = sim.run_until(ends.a.spawn(message_of(ends.near, 5)));

  CHECK(heard == "ABBBB");
  CHECK(what(outcome_of(ends.a.spawn(write_to(ends.near, "more")))) == "no error");
  sim.run_until(std::move(server));
}

TEST_CASE_FIXTURE(Simulated,
                  "room that was given up in a long partition is told with what arrives") {
  TwoEnds ends(*this);
  sim.run_until(ends.a.spawn(write_to(ends.near, std::string(50'000, 'x'))));
  sim.run(1s);
  sim.partition({"a"}, {"b"});
  sim.run_until(ends.b.spawn(message_of(ends.far, 50'000)));
  sim.run(20min);
  sim.heal();

  Spawned<std::string> rest = ends.b.spawn(message_of(ends.far, 30'000));

  CHECK(what(outcome_of(ends.a.spawn(write_to(ends.near, std::string(30'000, 'y'))))) ==
        "no error");
  CHECK(what(outcome_of(std::move(rest))) == "no error");
}

TEST_CASE_FIXTURE(Simulated,
                  "what is written late in a partition has its 15 minutes from then on") {
  TwoEnds ends(*this);
  sim.run_until(ends.a.spawn(write_to(ends.near, std::string(50'000, 'x'))));
  sim.run(1s);
  sim.partition({"a"}, {"b"});
  sim.run_until(ends.b.spawn(message_of(ends.far, 50'000)));  // whose room is not told
  sim.run(14min);
  const Duration written = now();
  sim.run_until(ends.b.spawn(write_to(ends.far, "x")));

  const auto heard = outcome_of(ends.b.spawn(message_of(ends.far, 1)));

  CHECK(what(heard) == "read from [fd00::1]:49152: Connection timed out");
  CHECK(now() - written >= 15min);
}

TEST_CASE_FIXTURE(Simulated, "what a closed stream has left is delivered after a short partition") {
  TwoEnds ends(*this);
  sim.partition({"a"}, {"b"});
  sim.run_until(ends.a.spawn(write_to(ends.near, "left")));
  ends.near.close();
  sim.run(90s);
  sim.heal();

  CHECK(sim.run_until(ends.b.spawn(ends.far.read_to_end())) == "left");
}

TEST_CASE_FIXTURE(Simulated,
                  "after a long one it is lost, and the peer that reads is told nothing") {
  TwoEnds ends(*this);
  sim.partition({"a"}, {"b"});
  sim.run_until(ends.a.spawn(write_to(ends.near, "left")));
  ends.near.close();
  sim.run(110s);
  sim.heal();
  Spawned<std::string> reader = ends.b.spawn(ends.far.read_to_end());
  sim.run(24h);
  CHECK_FALSE(reader.done());

  // Until it sends.
  sim.run_until(ends.b.spawn(write_to(ends.far, "x")));

  CHECK(what(outcome_of(std::move(reader))) ==
        "read from [fd00::1]:49152: Connection reset by peer");
}

TEST_CASE_FIXTURE(Simulated, "a reset is sent once: in a partition it is lost") {
  TwoEnds ends(*this);
  sim.partition({"a"}, {"b"});
  ends.near.abort();
  Spawned<std::string> reader = ends.b.spawn(read_from(ends.far));
  sim.run();
  sim.heal();
  sim.run();
  CHECK_FALSE(reader.done());

  sim.run_until(ends.b.spawn(write_to(ends.far, "x")));

  CHECK(what(outcome_of(std::move(reader))) ==
        "read from [fd00::1]:49152: Connection reset by peer");
}
