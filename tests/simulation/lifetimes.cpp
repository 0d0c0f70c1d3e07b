// SPDX-License-Identifier: MIT
// A simulation, its reactor, and the streams and tasks in it end in any order.
#include <memory>
#include <optional>

#include "tests/simulation/simulated.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::Stream;

namespace {

/// A connection within a simulation on a reactor of its own, with bytes on their way.
struct OnAnother {
  OnAnother() {
    const auto serve = [this]() -> Task<> {
      listener = io::listen("tcp:*:80");
      far = co_await listener.accept();
      co_await far.write_all("on its way");
      co_await read_from(far);
    };
    const auto connect = [this]() -> Task<> {
      near = co_await io::connect("tcp:b:80");
      co_await near.write_all("on its way");
      co_await Pause{1h};
    };
    sim->node("b").spawn(serve).detach();
    sim->node("a").spawn(connect).detach();
    sim->run_until_true([this] { return far.is_open(); });
  }

  Unhandled unhandled;
  reactors::VirtualTime time;
  std::optional<Reactor> reactor{time};
  std::optional<Simulation> sim{std::in_place, 1, *reactor, time};
  io::Listener listener;
  Stream near;
  Stream far;
};

}  // namespace

TEST_CASE("a simulation with its connections and tasks just ends") {
  Simulated simulated;
  simulated.sim.node("b").spawn(echo_server()).detach();
  const auto talk = []() -> Task<> {
    Stream stream = co_await io::connect("tcp:b:80");
    while (true) {
      co_await stream.write_all("x");
      co_await read_from(stream);
    }
  };
  simulated.sim.node("a").spawn(talk).detach();

  simulated.sim.run(1s);
}

TEST_CASE("streams that outlive their simulation are closed, and can be dropped") {
  Stream near;
  Stream far;
  {
    Simulated simulated;
    TwoEnds ends(simulated);
    near = std::move(ends.near);
    far = std::move(ends.far);
    simulated.sim.run_until(ends.a.spawn(write_to(near, "on its way")));
  }

  CHECK_FALSE(near.is_open());
  CHECK_FALSE(far.is_open());
}

TEST_CASE_FIXTURE(OnAnother, "a simulation may end before its reactor: its tasks are closed") {
  CHECK(reactor->task_count() == 2);

  sim.reset();

  CHECK(reactor->task_count() == 0);
  CHECK(reactor->timer_count() == 0);
  CHECK_FALSE(near.is_open());
  CHECK_FALSE(listener.is_open());
}

TEST_CASE_FIXTURE(OnAnother, "who waits on a stream of a simulation that ends is told so") {
  Spawned<std::string> reader = spawn(*reactor, read_from(near));
  time.run_until_idle();
  Spawned<std::string> second = spawn(*reactor, read_from(near));
  time.advance();

  sim.reset();
  time.advance();

  REQUIRE(second.done());
  CHECK(what(std::move(second).deferred().result()) ==
        "read from [fd00::1]:80: it was closed on this side");
  std::move(reader).abandon();
}

TEST_CASE_FIXTURE(OnAnother, "the reactor has the system's network again") {
  sim.reset();
  const auto listens = []() -> Task<std::string> {
    const io::Listener real = io::listen("tcp:127.0.0.1:0");
    co_return real.local();
  };

  Spawned<std::string> listening = spawn(*reactor, listens);
  time.advance();

  REQUIRE(listening.done());
  CHECK(std::move(listening).deferred().result().value().starts_with("127.0.0.1:"));
}

TEST_CASE_FIXTURE(OnAnother, "a reactor may end before its simulation: nothing happens any more") {
  const std::uint64_t events = sim->events();

  reactor.reset();
  near.close();
  far.abort();
  listener.close();

  CHECK(sim->events() == events);
  CHECK_THROWS_AS(sim->node("a").spawn(Pause{1s}), std::logic_error);
  sim->node("a").kill();
  sim->node("b").vanish();
}

TEST_CASE_FIXTURE(OnAnother,
                  "reactor and simulation end before the streams, which are closed then") {
  reactor.reset();
  sim.reset();

  CHECK_FALSE(far.is_open());
}

TEST_CASE_FIXTURE(OnAnother, "a closed connection is forgotten when all of it has arrived") {
  near.close();
  far.close();
  listener.close();
  sim->node("a").kill();
  sim->node("b").kill();
  time.run_until_idle();

  CHECK(reactor->timer_count() == 0);
  CHECK(reactor->task_count() == 0);
}
