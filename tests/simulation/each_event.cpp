// SPDX-License-Identifier: MIT
// A client and a server that are built for it get through whatever happens at each single event.
#include <vector>

#include "tests/simulation/simulated.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::Stream;

namespace {

Task<> answer_netstrings(Stream stream) {
  while (true) {
    const auto question = co_await with_timeout(1min, io::read_netstring(stream));
    if (!question) co_return;
    const std::string answer = io::encode_netstring(*question + "!");
    co_await stream.write_all(answer);
  }
}
Task<> netstring_server() {
  io::Listener listener = io::listen("tcp:*:80");
  co_await io::serve(listener, answer_netstrings);
}

Task<> ask_on(Stream& stream, std::vector<std::string>& answers, std::size_t count) {
  while (answers.size() < count) {
    const std::string question = io::encode_netstring(std::to_string(answers.size()));
    co_await stream.write_all(question);
    std::string answer = co_await with_timeout(5s, message_from(stream));
    answers.push_back(std::move(answer));
  }
}

/// Begins anew, with a new connection, until it has all its answers.
Task<std::vector<std::string>> ask_until_answered(std::size_t count) {
  std::vector<std::string> answers;
  while (answers.size() < count) {
    bool rests = false;
    try {
      Stream stream = co_await io::connect("tcp:server:80", io::ConnectOptions(10s));
      co_await ask_on(stream, answers, count);
    } catch (const std::system_error&) {
      rests = true;
    } catch (const TimeoutError&) {
    }
    if (rests) co_await Pause{100ms};
  }
  co_return answers;
}

const std::vector<std::string> all_answers = {"0!", "1!", "2!"};

/// Does `what(sim)` after each number of events, until the client is done before it.
template <class F>
void at_each_event(F meddle) {
  bool done_before = false;
  std::uint64_t event = 0;
  for (; !done_before; ++event) {
    const Unhandled unhandled;
    Simulation sim(3);
    sim.node("server").spawn(netstring_server()).detach();
    auto client = sim.node("client").spawn(ask_until_answered(3));
    sim.run_until_true([&] { return sim.events() >= event || client.done(); });
    done_before = client.done();
    CAPTURE(event);
    if (!done_before) meddle(sim);

    CHECK(sim.run_until(std::move(client)) == all_answers);
  }
  // The call, its answer, the first packet, and three questions with their answers.
  CHECK(event > 9);
}

}  // namespace

TEST_CASE("a client gets its answers with a short partition at each event") {
  at_each_event([](Simulation& sim) {
    sim.partition({"client"}, {"server"});
    sim.run(300ms);
    sim.heal();
  });
}

TEST_CASE("a client gets its answers with a long partition at each event") {
  at_each_event([](Simulation& sim) {
    sim.partition({"client"}, {"server"});
    sim.run(40min);
    sim.heal();
  });
}

TEST_CASE("a client gets its answers from a server that dies at each event, and is restarted") {
  at_each_event([](Simulation& sim) {
    sim.node("server").kill();
    sim.run(1s);
    sim.node("server").restart(netstring_server()).detach();
  });
}

TEST_CASE("a client gets its answers from a server whose kernel says a clean end at each event") {
  at_each_event([](Simulation& sim) {
    sim.node("server").kill(io::Ending::polite);
    sim.node("server").restart(netstring_server()).detach();
  });
}

TEST_CASE("a client gets its answers from a server that vanishes at each event, and comes back") {
  at_each_event([](Simulation& sim) {
    sim.node("server").vanish();
    sim.run(3s);
    sim.node("server").restart(netstring_server()).detach();
  });
}

TEST_CASE("a client gets its answers with each connection broken at each event") {
  at_each_event([](Simulation& sim) {
    sim.faults(Faults().resets(1));
    sim.run(1s);
    sim.faults(Faults());
  });
}
