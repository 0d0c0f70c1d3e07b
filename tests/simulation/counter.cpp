// SPDX-License-Identifier: MIT
// A counter that is kept three times, whose clients try again until they are answered, on a network
// on which everything goes wrong. Each sum that it tells has to fit into one order of all
// additions.
#include <algorithm>
#include <map>
#include <sstream>
#include <vector>

#include "deferred/testing/for_each_seed.hpp"
#include "tests/simulation/simulated.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::Stream;

namespace {

/// What is to be added under a number of its own, however often it is said.
using Additions = std::map<int, std::uint64_t>;

std::string text_of(const Additions& additions) {
  std::string text;
  for (const auto& [id, amount] : additions) {
    text += std::to_string(id) + " " + std::to_string(amount) + " ";
  }
  return text;
}
Additions additions_of(const std::string& text) {
  Additions additions;
  std::istringstream words(text);
  int id;
  for (std::uint64_t amount; words >> id >> amount;) additions[id] = amount;
  return additions;
}

Task<std::string> ask(std::string endpoint, std::string question) {
  Stream stream = co_await io::connect(endpoint, io::ConnectOptions(1s));
  const std::string message = io::encode_netstring(question);
  co_await stream.write_all(message);
  co_return co_await message_from(stream);
}

/// Answers each connection's one question by `answer(question)`.
template <class F>
Task<> answer_questions(F answer) {
  io::Listener listener = io::listen("tcp:*:80");
  const auto handle = [answer](Stream stream) -> Task<> {
    const std::string question = co_await with_timeout(2s, message_from(stream));
    std::string given = co_await answer(question);
    const std::string message = io::encode_netstring(given);
    co_await stream.write_all(message);
  };
  co_await io::serve(listener, handle);
}

/// Keeps what it is given, and tells all that it has.
Task<> keeper(Additions& disk) {
  const auto answer = [&disk](std::string question) -> Task<std::string> {
    disk.merge(additions_of(question));
    co_return text_of(disk);
  };
  co_await answer_questions(answer);
}

/// The one that counts: what it tells is with two keepers of three before.
class Counter {
 public:
  Task<> run() {
    co_await take_over();
    const auto answer = [this](std::string question) -> Task<std::string> { return add(question); };
    co_await answer_questions(answer);
  }

 private:
  /// Knows what any counter before may have told, and makes that certain.
  Task<> take_over() {
    known_ = co_await exchange({});
    co_await exchange(known_);
  }
  Task<std::string> add(std::string question) {
    const Additions fresh = additions_of(question);
    co_await exchange(fresh);
    known_.insert(fresh.begin(), fresh.end());
    std::uint64_t sum = 0;
    for (const auto& [id, amount] : known_) sum += amount;
    co_return std::to_string(sum);
  }
  /// Gives two keepers, or all, these, and has what they know.
  Task<Additions> exchange(Additions given) {
    Additions all;
    int heard = 0;
    Event enough;
    const std::string text = text_of(given);
    const auto give_one = [&](std::string keeper) -> Task<> {
      while (heard < 2) {
        bool rests = false;
        try {
          const std::string answer = co_await with_timeout(1s, ask("tcp:" + keeper + ":80", text));
          all.merge(additions_of(answer));
          if (++heard == 2) enough.set();
          co_return;
        } catch (const std::system_error&) {
          rests = true;
        } catch (const TimeoutError&) {
        }
        if (rests) co_await Pause{50ms};
      }
    };
    const auto give = [&](Nursery& nursery) -> Task<> {
      for (const char* name : {"k1", "k2", "k3"}) nursery.spawn(give_one, std::string(name));
      co_await enough;
      nursery.cancel();
    };
    co_await with_nursery(give);
    co_return all;
  }

  Additions known_;
};

/// What one addition has seen: each adds a bit of its own, so that a sum tells which were before.
struct Told {
  std::uint64_t bit;
  std::uint64_t sum;
  TimePoint begun;
  TimePoint ended;
};

Task<> add_some(int client, int count, std::vector<Told>& told) {
  for (int i = 0; i < count; ++i) {
    const int id = client * count + i;
    const std::uint64_t bit = std::uint64_t{1} << id;
    const std::string question = text_of({{id, bit}});
    const TimePoint begun = Reactor::current().now();
    std::string answer;
    while (answer.empty()) {
      bool rests = false;
      try {
        answer = co_await with_timeout(3s, ask("tcp:counter:80", question));
      } catch (const std::system_error&) {
        rests = true;
      } catch (const TimeoutError&) {
      }
      if (rests) co_await Pause{100ms};
    }
    told.push_back({bit, std::stoull(answer), begun, Reactor::current().now()});
  }
}

/// There is an order of all additions in which each happens between its beginning and its end, and
/// sees those before it.
void must_be_linearizable(std::vector<Told> told) {
  std::sort(told.begin(), told.end(), [](const Told& a, const Told& b) { return a.sum < b.sum; });
  for (std::size_t i = 0; i < told.size(); ++i) {
    must((told[i].sum & told[i].bit) != 0, "an addition is in its own sum");
    if (i != 0) must((told[i - 1].sum & ~told[i].sum) == 0, "of two sums one has all of the other");
    for (const Told& other : told) {
      const bool is_before = other.ended < told[i].begun;
      must(!is_before || (other.sum & ~told[i].sum) == 0, "a later sum has all of an earlier");
      must(!is_before || (other.sum & told[i].bit) == 0, "nothing is counted before it is added");
    }
  }
}

constexpr int clients = 3;
constexpr int additions = 3;

/// Breaks this and that, and mends it.
Task<> meddle(Simulation& sim) {
  Random& random = sim.random();
  const std::vector<std::string> all = {"counter", "k1", "k2", "k3"};
  for (int i = 0; i < 6; ++i) {
    co_await Pause{Duration(1ms) * (1 + random.below(600))};
    const std::string& one = all[random.below(all.size())];
    switch (random.below(4)) {
      case 0:
        sim.partition({one}, {one == "counter" ? "k1" : "counter"});
        break;
      case 1:
        sim.node(one).limit_descriptors(1 + random.below(3));
        break;
      case 2:
        sim.heal();
        for (const std::string& name : all) sim.node(name).limit_descriptors();
        break;
      case 3:
        sim.partition({"counter"}, {"client0", "client1"});
        break;
    }
  }
  sim.heal();
  for (const std::string& name : all) sim.node(name).limit_descriptors();
}

/// Ends nodes, and begins them anew: a keeper keeps what it has, a counter forgets all.
template <class Start>
Task<> restart_some(Simulation& sim, Start start) {
  Random& random = sim.random();
  for (int i = 0; i < 4; ++i) {
    co_await Pause{Duration(1ms) * (1 + random.below(900))};
    const std::size_t which = random.below(4);
    Node& node = sim.node(which == 0 ? "counter" : "k" + std::to_string(which));
    if (random.below(2) == 0) {
      node.kill();
    } else {
      node.vanish();
    }
    co_await Pause{Duration(1ms) * random.below(1500)};
    node.restart();
    start(which);
  }
}

void counts(Simulation& sim) {
  auto& disks = sim.keep<std::map<std::size_t, Additions>>();
  const auto start = [&](std::size_t which) {
    if (which == 0) {
      sim.node("counter").spawn(sim.keep<Counter>().run()).detach();
    } else {
      sim.node("k" + std::to_string(which)).spawn(keeper(disks[which])).detach();
    }
  };
  for (std::size_t which = 0; which < 4; ++which) start(which);
  sim.faults(Faults().short_reads().short_writes().would_blocks().resets(0.01));
  auto& told = sim.keep<std::vector<Told>>();
  std::vector<Spawned<void>> adding;
  for (int i = 0; i < clients; ++i) {
    Node& node = sim.node("client" + std::to_string(i));
    adding.push_back(node.spawn(add_some(i, additions, told)));
  }
  spawn(sim.reactor(), meddle(sim)).detach();
  Spawned<void> restarting = spawn(sim.reactor(), restart_some(sim, start));
  for (Spawned<void>& one : adding) sim.run_until(std::move(one));
  sim.run_until(std::move(restarting));

  must(told.size() == clients * additions, "each addition is answered once");
  must_be_linearizable(told);
}

}  // namespace

TEST_CASE("a counter that is kept three times counts right, whatever goes wrong around it") {
  for_each_seed(200, counts);
}
