// SPDX-License-Identifier: MIT
// One seed, one run: what is the same again, what is drawn, and how a scenario is tried with many.
#include "deferred/testing/for_each_seed.hpp"

#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "tests/simulation/simulated.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::Stream;

namespace {

Task<> talks(int times) {
  Stream stream = co_await io::connect("tcp:server:80");
  for (int i = 0; i < times; ++i) {
    co_await stream.write_all("hello");
    co_await read_from(stream);
  }
}
void three_talk(Simulation& sim) {
  sim.node("server").spawn(echo_server()).detach();
  for (const char* name : {"a", "b", "c"}) sim.node(name).spawn(talks(10)).detach();
  sim.run(1min);
}
std::uint64_t hash_of(std::uint64_t seed) {
  Simulation sim(seed);
  three_talk(sim);
  return sim.trace_hash();
}

/// What a variable of the environment is, for a while.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { ::unsetenv(name_); }

 private:
  const char* name_;
};

/// What is written to std::cerr meanwhile.
class Written {
 public:
  Written() : before_(std::cerr.rdbuf(text_.rdbuf())) {}
  Written(const Written&) = delete;
  Written& operator=(const Written&) = delete;
  ~Written() { std::cerr.rdbuf(before_); }
  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::streambuf* before_;
};

/// What for_each_seed() has thrown.
std::string failure_of(std::size_t count, const Scenario& scenario) {
  const Written written;
  try {
    for_each_seed(count, scenario);
  } catch (const SeedsFailed& failed) {
    return failed.what();
  }
  return "no failure";
}

}  // namespace

TEST_CASE("two runs of a seed have the same hash, and each seed has another") {
  std::set<std::uint64_t> hashes;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const std::uint64_t hash = hash_of(seed);
    CHECK(hash_of(seed) == hash);
    hashes.insert(hash);
  }

  CHECK(hashes.size() == 20);
}

// Who changes what happens on the network, or what is drawn for it, has another number.
TEST_CASE("a run of a seed is the same on every platform") {
  CHECK(hash_of(1) == 14'382'498'163'105'573'682U);
}

TEST_CASE("what the test draws for its load leaves the network as it is") {
  Simulation plain(7);
  Simulation drawing(7);
  for (int i = 0; i < 100; ++i) drawing.random()();

  three_talk(plain);
  three_talk(drawing);

  CHECK(plain.trace_hash() == drawing.trace_hash());
  CHECK(plain.events() == drawing.events());
}

TEST_CASE("the numbers for the load are those of the seed") {
  Simulation one(7);
  Simulation same(7);
  Simulation other(8);

  const std::uint64_t drawn = one.random()();

  CHECK(same.random()() == drawn);
  CHECK(other.random()() != drawn);
  CHECK(Random(7, "load")() == drawn);
}

TEST_CASE("what is done to a simulation is in its hash, and so are times and how many bytes") {
  const auto hash_with = [](auto meddle) {
    Simulation sim(1);
    sim.links().latency(1ms);
    sim.node("server").spawn(echo_server()).detach();
    meddle(sim);
    sim.run(1min);
    return sim.trace_hash();
  };
  std::set<std::uint64_t> hashes;
  hashes.insert(hash_with([](Simulation&) {}));
  hashes.insert(hash_with([](Simulation& sim) { sim.node("a").kill(); }));
  hashes.insert(hash_with([](Simulation& sim) { sim.node("b").kill(); }));
  hashes.insert(hash_with([](Simulation& sim) { sim.node("a").vanish(); }));
  hashes.insert(hash_with([](Simulation& sim) { sim.node("a").restart(); }));
  hashes.insert(hash_with([](Simulation& sim) { sim.partition({"a"}, {"b"}); }));
  hashes.insert(hash_with([](Simulation& sim) { sim.heal(); }));
  hashes.insert(hash_with([](Simulation& sim) { sim.node("a").spawn(talks(1)).detach(); }));
  hashes.insert(hash_with([](Simulation& sim) { sim.node("a").spawn(talks(2)).detach(); }));
  hashes.insert(hash_with([](Simulation& sim) {
    sim.links().latency(2ms);
    sim.node("a").spawn(talks(1)).detach();
  }));

  CHECK(hashes.size() == 10);
}

TEST_CASE("a trace has a line for each event, and for what is done to the simulation") {
  std::ostringstream lines;
  Simulation sim(1);
  sim.links().latency(1ms);
  sim.trace(&lines);
  sim.node("server").spawn(echo_server()).detach();
  sim.node("a").spawn(talks(1)).detach();
  sim.run(1s);
  sim.partition({"a"}, {"server", "b"});

  const std::string text = lines.str();
  CHECK(
      text.starts_with("   0.001000000  a > server #2 call\n"
                       "   0.002000000  server > a #2 answer\n"));
  CHECK(text.find("   0.003000000  a > server #2 segment 5\n") != std::string::npos);
  CHECK(text.ends_with("   0.006000000  partition a | server, b\n"));
}

TEST_CASE("for_each_seed runs a scenario with the seeds from 1 on, and one of 20 twice") {
  std::vector<std::uint64_t> seeds;

  for_each_seed(41, [&](Simulation& sim) { seeds.push_back(sim.seed()); });

  CHECK(seeds.size() == 44);
  CHECK(std::vector<std::uint64_t>(seeds.begin(), seeds.begin() + 4) ==
        std::vector<std::uint64_t>{1, 1, 2, 3});
  CHECK(seeds.back() == 41);
}

TEST_CASE("a seed fails by what its scenario throws, and is run a second time") {
  int runs = 0;
  const SeedsReport report = try_seeds(30, [&](Simulation& sim) {
    if (sim.seed() == 17) ++runs;
    must(sim.seed() != 17, "seventeen is all right");
  });

  CHECK(runs == 2);
  CHECK(report.summary() ==
        "30 seeds, 1 failed\nseed 17: std::logic_error: seventeen is all right");
}

static Task<> broken() {
  co_await Pause{1s};
  throw std::range_error("too far");
}

TEST_CASE("a seed that a task fails says of what type, and by which tasks the failure came") {
  const SeedsReport report = try_seeds(1, [](Simulation& sim) {
    const auto waits = []() -> Task<> { co_await broken(); };
    sim.run_until(sim.node("a").spawn(waits));
  });

  REQUIRE(report.failures.size() == 1);
  const std::string& what = report.failures[0].what;
  CHECK(what.starts_with("std::range_error: too far\n"));
  CHECK(what.find(" in broken\n  awaited at ") != std::string::npos);
}

TEST_CASE("a seed fails by a failure that nobody handles, while it runs and at its end") {
  const auto fails = []() -> Task<> {
    co_await Pause{1s};
    throw std::runtime_error("nobody looks");
  };
  const SeedsReport while_it_runs = try_seeds(1, [&](Simulation& sim) {
    sim.node("a").spawn(fails).detach();
    sim.run();
  });
  REQUIRE(while_it_runs.failures.size() == 1);
  CHECK(while_it_runs.failures[0].what.find("nobody looks") != std::string::npos);

  const SeedsReport at_its_end = try_seeds(1, [&](Simulation& sim) {
    struct FailsAtEnd {
      ~FailsAtEnd() { static_cast<void>(fail<int>(std::runtime_error("nobody looks"))); }
    };
    sim.node("a")
        .spawn([]() -> Task<> {
          const FailsAtEnd at_end;
          co_await Pause{1h};
        })
        .detach();
    sim.run(1s);
  });
  REQUIRE(at_its_end.failures.size() == 1);
  CHECK(at_its_end.failures[0].what.find("nobody looks") != std::string::npos);
}

TEST_CASE("a task that waits for what will never come fails its seed, and is named") {
  const auto waits = [](Simulation& sim) {
    const auto reads = []() -> Task<> {
      Stream stream = co_await io::connect("tcp:server:80");
      co_await read_from(stream);
    };
    sim.node("server").spawn(echo_server()).detach();
    sim.run_until(sim.node("a").spawn(reads));
  };

  const SeedsReport report = try_seeds(1, waits);

  REQUIRE(report.failures.size() == 1);
  CHECK(report.failures[0].what.find("nothing is left to happen") != std::string::npos);
  CHECK(report.failures[0].what.find("read from [fd00::1]:80") != std::string::npos);
}

TEST_CASE("a task that is not done in time fails its seed") {
  const SeedsReport report = try_seeds(1, [](Simulation& sim) {
    const auto sleeps = []() -> Task<> { co_await Pause{2min}; };
    sim.run_until(sim.node("a").spawn(sleeps), 1min);
  });

  REQUIRE(report.failures.size() == 1);
  CHECK(report.failures[0].what.find("it is not done after 60 s, at 60 s") != std::string::npos);
}

TEST_CASE("a scenario that hangs on more than its seed fails, though nothing is wrong with it") {
  int runs = 0;
  const SeedsReport report = try_seeds(20, [&](Simulation& sim) {
    sim.run(++runs * 1s);
    sim.heal();
    sim.node("server").spawn(echo_server()).detach();
    if (runs > 1) sim.node("a").spawn(talks(1)).detach();
    sim.run(1s);
  });

  REQUIRE(report.failures.size() == 1);
  CHECK(report.failures[0].text() == "seed 1: it does something else the second time");
}

TEST_CASE("a failure that does not come again is told so") {
  int runs = 0;
  const SeedsReport report = try_seeds(1, [&](Simulation&) { must(++runs > 1, "not the first"); });

  REQUIRE(report.failures.size() == 1);
  CHECK(report.failures[0].text() ==
        "seed 1: std::logic_error: not the first\n(not the same when it was run again)");
}

TEST_CASE("after five seeds that fail the rest is left out") {
  const SeedsReport report = try_seeds(200, [](Simulation&) { must(false, "never"); });

  CHECK(report.seeds == 5);
  CHECK(report.failures.size() == 5);
}

TEST_CASE("for_each_seed throws what failed, and prints how it is done again") {
  const Written written;

  CHECK_THROWS_WITH_AS(
      for_each_seed(3, [](Simulation& sim) { must(sim.seed() != 2, "two is wrong"); }),
      "3 seeds, 1 failed\nseed 2: std::logic_error: two is wrong", SeedsFailed);

  CHECK(written.text().starts_with("seed 2: std::logic_error: two is wrong\nDEFERRED_SEED=2 "));
  CHECK(written.text().find(program_invocation_name) != std::string::npos);
}

TEST_CASE("with DEFERRED_SEED in the environment only that seed is run") {
  const Variable seed("DEFERRED_SEED", "17");
  std::set<std::uint64_t> seeds;

  for_each_seed(200, [&](Simulation& sim) { seeds.insert(sim.seed()); });

  CHECK(seeds == std::set<std::uint64_t>{17});
}

TEST_CASE("with DEFERRED_TRACE too, its events are written") {
  const Variable seed("DEFERRED_SEED", "17");
  const Variable trace("DEFERRED_TRACE", "1");
  const Written written;

  for_each_seed(200, three_talk);

  CHECK(written.text().find("a > server #") != std::string::npos);
}

TEST_CASE("with DEFERRED_SEEDS in the environment so many are run") {
  const Variable seeds("DEFERRED_SEEDS", "3");
  int runs = 0;

  for_each_seed(200, [&](Simulation&) { ++runs; });

  CHECK(runs == 4);
}

TEST_CASE("to run no seed is refused, for it would pass") {
  const auto nothing = [](Simulation&) {};
  SeedsOptions none;
  none.most_failures = 0;

  CHECK_THROWS_AS(try_seeds(0, nothing), std::invalid_argument);
  CHECK_THROWS_AS(try_seeds(1, nothing, none), std::invalid_argument);
  const Variable seeds("DEFERRED_SEEDS", "0");
  CHECK_THROWS_AS(for_each_seed(200, nothing), std::invalid_argument);
}

TEST_CASE("what is no number in the environment is refused") {
  for (const char* const text : {"seventeen", "17x", "-1", "99999999999999999999"}) {
    const Variable seed("DEFERRED_SEED", text);
    CHECK_THROWS_AS(for_each_seed(1, [](Simulation&) {}), std::invalid_argument);
  }
}

TEST_CASE("something that goes on at one moment without end is found") {
  const auto spins = []() -> Task<> {
    while (true) co_await Pause{};
  };
  const std::string said = failure_of(1, [&](Simulation& sim) {
    sim.node("a").spawn(spins).detach();
    sim.run();
  });

  CHECK(said.find("100000 turns at one moment") != std::string::npos);
}
