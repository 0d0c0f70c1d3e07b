// SPDX-License-Identifier: MIT
#include "deferred/testing/shuffle_ready_tasks.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "deferred/yieldables/all.hpp"
#include "deferred/yieldables/channel.hpp"
#include "deferred/yieldables/event.hpp"
#include "deferred/yieldables/lock.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/race.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

using Seed = std::optional<std::uint64_t>;

/// A world of its own for each run of a program.
struct Shuffle : Loop {
  explicit Shuffle(Seed seed) { shuffle_ready_tasks(reactor, seed); }
};

/// In which order so many tasks that are spawned together run.
std::string order_of(const std::string& letters, Seed seed, int rounds = 1) {
  Shuffle world(seed);
  std::string log;
  const auto writes = [&log, rounds](char letter) -> Task<> {
    for (int round = 0; round < rounds; ++round) {
      log += letter;
      co_await Pause{};
    }
  };
  for (const char letter : letters) spawn(world.reactor, writes(letter)).detach();
  world.settle();
  return log;
}

/// The seeds under `most` with which `program(seed)` does not give true.
template <class F>
std::vector<std::uint64_t> failing(F program, std::uint64_t most) {
  std::vector<std::uint64_t> seeds;
  for (std::uint64_t seed = 0; seed < most; ++seed) {
    if (!program(seed)) seeds.push_back(seed);
  }
  return seeds;
}

/// Wakes who waits, and is forgotten if nobody does.
class Bell {
 public:
  void ring() {
    if (const auto waiter = std::exchange(waiter_, std::nullopt)) waiter->resume();
  }
  void yield_to(Waiter<void> waiter) { waiter_ = std::move(waiter); }

 private:
  std::optional<Waiter<void>> waiter_;
};

}  // namespace

TEST_CASE("the tasks of a round run in an order that hangs on the seed, the same everywhere") {
  CHECK(order_of("abcdefgh", 1) == "fhbcgaed");
  CHECK(order_of("abcdefgh", 2) == "ehbgfcda");
}

TEST_CASE("without a seed the tasks of a round run as they became ready") {
  CHECK(order_of("abcdefgh", std::nullopt) == "abcdefgh");
}

TEST_CASE("each round has another order, and a seed the same ones again") {
  const std::string once = order_of("abcdefgh", 1, 3);

  CHECK(once.substr(0, 8) != once.substr(8, 8));
  CHECK(once.substr(8, 8) != once.substr(16, 8));
  CHECK(order_of("abcdefgh", 1, 3) == once);
}

TEST_CASE("each order of a round is as likely as any other") {
  std::map<std::string, int> times;
  for (std::uint64_t seed = 0; seed < 600; ++seed) ++times[order_of("abc", seed)];

  REQUIRE(times.size() == 6);
  for (const auto& order : times) {
    CAPTURE(order.first);
    CHECK(order.second > 70);
    CHECK(order.second < 130);
  }
}

TEST_CASE("a seed holds until it is taken back") {
  Shuffle world(1);
  std::string log;
  const auto writes = [&log](char letter) -> Task<> {
    log += letter;
    co_return;
  };
  const auto spawn_all = [&] {
    for (const char letter : std::string("abcdefgh")) spawn(world.reactor, writes(letter)).detach();
    world.settle();
  };
  spawn_all();
  CHECK(log == order_of("abcdefgh", 1));

  log.clear();
  shuffle_ready_tasks(world.reactor, std::nullopt);
  spawn_all();
  CHECK(log == "abcdefgh");

  log.clear();
  shuffle_ready_tasks(world.reactor, 1);
  spawn_all();
  CHECK(log == order_of("abcdefgh", 1));
}

TEST_CASE("posts and calls of threads keep their order") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Shuffle world(seed);
    std::string log;
    for (const char letter : std::string("abcdefgh")) {
      world.reactor.post([&log, letter] { log += letter; });
      world.reactor.call_from_thread(
          [&log, letter] { log += static_cast<char>(letter - 'a' + 'A'); });
      spawn(world.reactor, Pause{}).detach();
    }

    world.settle();

    CHECK(log == "ABCDEFGHabcdefgh");
  }
}

// Between its look and its wait there is another wait. By chance the one who rings comes later.
TEST_CASE("a lost wake-up is found by one of a few seeds, and by that each time") {
  const auto comes_to_its_end = [](Seed seed) {
    Shuffle world(seed);
    std::vector<int> items;
    Bell bell;
    const auto consumer = [&]() -> Task<> {
      if (items.empty()) {
        co_await Pause{};
        co_await bell;
      }
    };
    const auto producer = [&]() -> Task<> {
      co_await Pause{};
      items.push_back(1);
      bell.ring();
    };
    const auto consumed = spawn(world.reactor, consumer);
    spawn(world.reactor, producer).detach();
    world.time.run_until_idle();
    return consumed.done();
  };
  CHECK(comes_to_its_end(std::nullopt));

  const std::vector<std::uint64_t> found = failing(comes_to_its_end, 20);

  CHECK(found.size() > 3);
  CHECK(found.size() < 17);
  CHECK(failing(comes_to_its_end, 20) == found);
}

TEST_CASE("a task that needs another one to have run before is found by one of a few seeds") {
  const auto finds_it = [](Seed seed) {
    Shuffle world(seed);
    std::optional<std::string> settings;
    bool found = false;
    const auto load = [&]() -> Task<> {
      settings = "fast";
      co_return;
    };
    const auto use = [&]() -> Task<> {
      found = settings.has_value();
      co_return;
    };
    spawn(world.reactor, load).detach();
    spawn(world.reactor, use).detach();
    world.settle();
    return found;
  };

  CHECK(finds_it(std::nullopt));
  CHECK_FALSE(failing(finds_it, 20).empty());
}

TEST_CASE("who stands in a line is served in its turn, whatever the seed") {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Shuffle world(std::nullopt);
    Lock lock;
    Channel<char> channel(2);
    std::string served, sent, received;
    const auto works = [&](char letter) -> Task<> {
      const Permit permit = co_await lock.acquire();
      served += letter;
      co_await Pause{};
    };
    const auto sends = [&](char letter) -> Task<> {
      sent += letter;
      co_await channel.send(char(letter));
    };
    for (const char letter : std::string("abcdef")) {
      spawn(world.reactor, works(letter)).detach();
      spawn(world.reactor, sends(letter)).detach();
    }
    world.time.run_once(false);  // all stand in their lines
    shuffle_ready_tasks(world.reactor, seed);
    spawn(world.reactor, [&]() -> Task<> {
      for (int i = 0; i < 6; ++i) {
        const auto letter = co_await channel.receive();
        received += letter.value();
      }
    }).detach();

    world.settle();

    CHECK(served == "abcdef");
    CHECK(received == sent);
  }
}

TEST_CASE("a program without such a fault gives the same with each seed") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Shuffle world(seed);
    const auto body = []() -> Task<int> {
      Channel<int> channel(1);
      Semaphore two(2);
      Event begin;
      int inside = 0, most = 0;
      const auto produce = [&](int from) -> Task<> {
        co_await begin;
        for (int i = from; i < from + 10; ++i) {
          const Permit permit = co_await two.acquire();
          most = std::max(most, ++inside);
          co_await channel.send(int(i));
          --inside;
        }
      };
      const auto consume = [&](int count) -> Task<int> {
        int sum = 0;
        for (; count > 0; --count) {
          auto item = co_await race(channel.receive(), Pause{1h});
          sum += std::get<0>(item).value();
          co_await Pause{};
        }
        co_return sum;
      };
      const auto opens = [&]() -> Task<> {
        co_await Pause{};
        begin.set();
      };
      auto results =
          co_await all(produce(0), produce(100), produce(1000), consume(15), consume(15), opens());
      CHECK(most == 2);
      co_return std::get<3>(results) + std::get<4>(results);
    };

    CHECK(world.outcome_of(body).value() == 3 * 45 + 10 * 100 + 10 * 1000);
    CHECK(world.now() < 1h);
  }
}
