// SPDX-License-Identifier: MIT
// Nodes that die, lose their power, come back, and run out of descriptors.
#include <vector>

#include "deferred/tasks/deferred_coroutine.hpp"
#include "deferred/tasks/nursery.hpp"
#include "tests/simulation/simulated.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::Stream;

namespace {

Task<> connect_to_b() {
  const Stream stream = co_await io::connect("tcp:10.0.0.2:80", io::ConnectOptions(1h));
}

/// Counts the tasks that hold one.
class Alive {
 public:
  explicit Alive(int& count) : count_(count) { ++count_; }
  Alive(const Alive&) = delete;
  Alive& operator=(const Alive&) = delete;
  ~Alive() { --count_; }

 private:
  int& count_;
};

}  // namespace

TEST_CASE_FIXTURE(Simulated, "to kill a node closes its tasks, and those that they have spawned") {
  int& alive = sim.keep<int>(0);
  const auto lives = [&alive]() -> Task<> {
    const Alive here(alive);
    co_await Pause{1h};
  };
  const auto spawns = [&]() -> Task<> {
    spawn(lives).detach();
    const auto more = [&](Nursery& nursery) -> Task<> {
      nursery.spawn(lives);
      co_return;
    };
    co_await with_nursery(more);
  };
  Spawned<void> first = sim.node("a").spawn(spawns);
  CHECK(sim.node("a").name() == "a");
  sim.node("a").spawn(lives).detach();
  sim.node("b").spawn(lives).detach();
  settle();
  CHECK(alive == 4);

  sim.node("a").kill();

  CHECK(alive == 1);
  CHECK(outcome_of(std::move(first)).check<AbandonedError>());
  CHECK_FALSE(sim.node("a").runs());
}

TEST_CASE_FIXTURE(Simulated,
                  "a child of a node's task may kill the node, and so may a Deferred coroutine") {
  Node& a = sim.node("a");
  const auto kills = [&]() -> Task<> {
    co_await Pause{};
    a.kill();
    co_await Pause{};
  };
  const auto has_a_child = [&]() -> Task<> {
    const auto family = [&](Nursery& nursery) -> Task<> {
      nursery.spawn(kills);
      co_return;
    };
    co_await with_nursery(family);
  };
  const auto kills_at_once = [&](Reactor&) -> Deferred<int> {
    a.kill();
    co_await Pause{};
    co_return 1;
  };
  const auto calls = [&]() -> Task<> {
    Deferred<int> called = kills_at_once(sim.reactor());
    static_cast<void>(co_await std::move(called));
  };

  const auto parent = outcome_of(a.spawn(has_a_child));
  a.restart([]() -> Task<> { co_return; }).detach();
  const auto caller = outcome_of(a.spawn(calls));

  CHECK(parent.check<AbandonedError>());
  CHECK(caller.check<AbandonedError>());
}

TEST_CASE_FIXTURE(Simulated, "peers of a node that is killed are reset, and callers refused") {
  TwoEnds ends(*this);
  ends.b.spawn(echo_server()).detach();
  Spawned<std::string> reader = ends.a.spawn(read_from(ends.near));
  settle();
  const Duration then = now();

  ends.b.kill();

  CHECK(what(outcome_of(std::move(reader))) == "read from [fd00::2]:80: Connection reset by peer");
  CHECK(now() == then + 1ms);
  CHECK(what(outcome_of(ends.a.spawn(connect_to_b()))) ==
        "connect to 10.0.0.2:80: Connection refused");
  CHECK(ends.b.open_descriptors() == 0);
}

TEST_CASE_FIXTURE(Simulated, "the kernel of a killed process may have said a clean end for it") {
  TwoEnds ends(*this);
  sim.run_until(ends.b.spawn(write_to(ends.far, "half a mess")));

  ends.b.kill(io::Ending::polite);

  CHECK(sim.run_until(ends.a.spawn(ends.near.read_to_end())) == "half a mess");
}

TEST_CASE_FIXTURE(Simulated, "but not if there was something unread") {
  TwoEnds ends(*this);
  sim.run_until(ends.a.spawn(write_to(ends.near, "unread")));
  sim.run();

  ends.b.kill(io::Ending::polite);

  CHECK(what(outcome_of(ends.a.spawn(read_from(ends.near)))) ==
        "read from [fd00::2]:80: Connection reset by peer");
}

TEST_CASE_FIXTURE(Simulated, "streams of a killed node that others hold are closed") {
  TwoEnds ends(*this);
  Spawned<std::string> reader = spawn(sim.reactor(), read_from(ends.far));
  settle();

  ends.b.kill();

  CHECK(what(outcome_of(std::move(reader))) ==
        "read from [fd00::1]:49152: it was closed on this side");
}

TEST_CASE_FIXTURE(Simulated, "a node that is killed twice, or was not there, is dead") {
  sim.node("a").kill();
  sim.node("a").kill();

  CHECK_THROWS_WITH(sim.node("a").spawn(connect_to_b()),
                    "simulation: node 'a' does not run: restart() it");
}

TEST_CASE_FIXTURE(Simulated, "a task may kill its own node: it ends where it waits next") {
  int& alive = sim.keep<int>(0);
  bool went_on = false;
  const auto kills = [&]() -> Task<> {
    const Alive here(alive);
    sim.node("a").kill();
    CHECK(alive == 1);
    co_await Pause{};
    went_on = true;
  };
  Spawned<void> killer = sim.node("a").spawn(kills);

  CHECK(outcome_of(std::move(killer)).check<AbandonedError>());
  CHECK(alive == 0);
  CHECK_FALSE(went_on);
}

TEST_CASE_FIXTURE(Simulated, "a node that is restarted has its addresses, and none of its tasks") {
  Node& a = sim.node("a");
  sim.node("b").spawn(echo_server()).detach();
  int& alive = sim.keep<int>(0);
  const auto lives = [&alive]() -> Task<> {
    const Alive here(alive);
    co_await Pause{1h};
  };
  a.spawn(lives).detach();
  settle();
  const io::Address before = a.ipv4();

  sim.run_until(a.restart(connect_to_b()));

  CHECK(alive == 0);
  CHECK(a.ipv4() == before);
  CHECK(a.runs());
}

TEST_CASE_FIXTURE(Simulated, "a port of a killed node can be listened at as soon as it is back") {
  Node& a = sim.node("a");
  Node& b = sim.node("b");
  b.spawn(echo_server()).detach();
  sim.run_until(a.spawn(connect_to_b()));
  b.restart(echo_server()).detach();

  sim.run_until(a.spawn(connect_to_b()));
}

TEST_CASE_FIXTURE(Simulated,
                  "a node that vanishes leaves a connection half open: who reads waits on") {
  TwoEnds ends(*this);
  Spawned<std::string> reader = ends.a.spawn(read_from(ends.near));
  settle();

  ends.b.vanish();
  sim.run(24h);

  CHECK_FALSE(reader.done());
  CHECK_FALSE(ends.b.runs());
  CHECK(ends.b.open_descriptors() == 0);
}

TEST_CASE_FIXTURE(Simulated, "who writes to a node that has vanished times out") {
  TwoEnds ends(*this);
  ends.b.vanish();
  const Duration sent = now();
  sim.run_until(ends.a.spawn(write_to(ends.near, "x")));

  CHECK(what(outcome_of(ends.a.spawn(read_from(ends.near)))) ==
        "read from [fd00::2]:80: Connection timed out");
  CHECK(now() == sent + 924'600ms);
}

TEST_CASE_FIXTURE(Simulated, "who calls a node that has vanished times out") {
  sim.node("a");
  sim.node("b").vanish();

  CHECK(what(outcome_of(sim.node("a").spawn(connect_to_b()))) ==
        "connect to 10.0.0.2:80: Connection timed out");
  CHECK(now() == 127s);
}

TEST_CASE_FIXTURE(Simulated, "what is on its way from a node that vanishes is lost with it") {
  TwoEnds ends(*this);
  sim.run_until(ends.b.spawn(write_to(ends.far, "last words")));
  ends.b.vanish();
  Spawned<std::string> reader = ends.a.spawn(read_from(ends.near));
  sim.run(24h);

  CHECK_FALSE(reader.done());
}

TEST_CASE_FIXTURE(Simulated,
                  "a node that is back answers what comes on its old connections by a reset") {
  TwoEnds ends(*this);
  ends.b.vanish();
  sim.run_until(ends.a.spawn(write_to(ends.near, "x")));
  Spawned<std::string> reader = ends.a.spawn(read_from(ends.near));
  sim.run(1s);
  CHECK_FALSE(reader.done());

  ends.b.restart(echo_server()).detach();

  CHECK(what(outcome_of(std::move(reader))) == "read from [fd00::2]:80: Connection reset by peer");
  sim.run_until(ends.a.spawn(connect_to_b()));
}

TEST_CASE_FIXTURE(Simulated, "callers reach a node that comes back while they still call") {
  sim.node("a");
  sim.node("b").vanish();
  Spawned<void> caller = sim.node("a").spawn(connect_to_b());
  sim.run(5s);
  sim.node("b").restart(echo_server()).detach();

  sim.run_until(std::move(caller));

  CHECK(now() == 7s + 2ms);
}

TEST_CASE_FIXTURE(Simulated,
                  "a node at its limit of descriptors can neither connect, listen nor accept") {
  TwoEnds ends(*this);
  const auto listens = []() -> Task<> {
    const io::Listener listener = io::listen("tcp:*:90");
    co_return;
  };
  ends.a.limit_descriptors(1);
  CHECK(ends.a.open_descriptors() == 1);
  CHECK(what(outcome_of(ends.a.spawn(connect_to_b()))) ==
        "connect to 10.0.0.2:80: Too many open files");
  CHECK(what(outcome_of(ends.a.spawn(listens))) == "listen on [::]:90: Too many open files");

  ends.near.close();

  CHECK(ends.a.open_descriptors() == 0);
  CHECK(what(outcome_of(ends.a.spawn(listens))) == "no error");
}

TEST_CASE_FIXTURE(Simulated, "who is not accepted for want of descriptors waits in line") {
  Node& b = sim.node("b");
  const auto accepts = [&b]() -> Task<std::string> {
    io::Listener listener = io::listen("tcp:*:80");
    std::string error;
    try {
      const Stream stream = co_await listener.accept();
    } catch (const std::system_error& thrown) {
      error = thrown.what();
    }
    b.limit_descriptors();
    const Stream stream = co_await listener.accept();
    co_return error;
  };
  b.limit_descriptors(1);
  Spawned<std::string> server = b.spawn(accepts);
  const auto connects = []() -> Task<> {
    Stream stream = co_await io::connect("tcp:10.0.0.1:80");
    co_await read_from(stream);
  };
  Spawned<void> client = sim.node("a").spawn(connects);

  CHECK(sim.run_until(std::move(server)) == "accept on [::]:80: Too many open files");
  sim.run_until(std::move(client));
}

TEST_CASE_FIXTURE(Simulated,
                  "a server out of descriptors at any of its accepts serves all the same") {
  constexpr int clients = 6;
  const auto asks = []() -> Task<std::string> {
    Stream stream = co_await io::connect("tcp:b:80");
    co_await stream.write_all("hello");
    co_await stream.shutdown_write();
    co_return co_await stream.read_to_end();
  };
  sim.node("b").spawn(echo_server()).detach();
  settle();
  for (std::size_t most = 1; most <= clients; ++most) {
    std::vector<Spawned<std::string>> all;
    sim.node("b").limit_descriptors(most);
    for (int i = 0; i < clients; ++i) all.push_back(sim.node("a").spawn(asks));
    sim.run(1s);
    CHECK(sim.node("b").open_descriptors() <= most);
    sim.node("b").limit_descriptors();

    for (Spawned<std::string>& one : all) CHECK(sim.run_until(std::move(one)) == "hello");
  }
}
