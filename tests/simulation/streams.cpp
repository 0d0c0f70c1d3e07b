// SPDX-License-Identifier: MIT
// What a program sees of TCP in a simulation: order, time, window, ends and resets.
#include <algorithm>

#include "tests/simulation/simulated.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::Stream;

namespace {

Task<Duration> until_read(Stream& stream) {
  co_await read_from(stream);
  co_return Reactor::current().now().time_since_epoch();
}

}  // namespace

TEST_CASE_FIXTURE(Simulated, "bytes come in order, whatever time each packet takes") {
  TwoEnds ends(*this);
  sim.links().latency(1ms, 100ms);
  const auto write = [&]() -> Task<> {
    for (int i = 0; i < 1000; ++i) co_await ends.near.write_all(std::to_string(i) + " ");
    co_await ends.near.shutdown_write();
  };
  std::string all;
  for (int i = 0; i < 1000; ++i) all += std::to_string(i) + " ";
  ends.a.spawn(write).detach();

  CHECK(sim.run_until(ends.b.spawn(ends.far.read_to_end())) == all);
}

TEST_CASE_FIXTURE(Simulated, "packets of different connections overtake each other") {
  TwoEnds ends(*this);
  TwoEnds others(*this);
  sim.links().latency(1ms, 100ms);
  bool overtaken = false;
  for (int i = 0; i < 100 && !overtaken; ++i) {
    Spawned<Duration> first = ends.b.spawn(until_read(ends.far));
    Spawned<Duration> second = ends.b.spawn(until_read(others.far));
    sim.run_until(ends.a.spawn(write_to(ends.near, "a")));
    sim.run_until(ends.a.spawn(write_to(others.near, "b")));
    const Duration at_first = sim.run_until(std::move(first));
    overtaken = sim.run_until(std::move(second)) < at_first;
  }

  CHECK(overtaken);
}

TEST_CASE_FIXTURE(Simulated, "a packet takes the latency of the link") {
  TwoEnds ends(*this);
  sim.link("b", "a").latency(70ms);
  const Duration sent = now();
  ends.a.spawn(write_to(ends.near, "x")).detach();

  CHECK(sim.run_until(ends.b.spawn(until_read(ends.far))) == sent + 70ms);
}

TEST_CASE_FIXTURE(Simulated, "latencies are drawn between the two that are given") {
  TwoEnds ends(*this);
  sim.link("a", "b").latency(10ms, 20ms);
  Duration least = 1h;
  Duration most{0};
  for (int i = 0; i < 100; ++i) {
    const Duration sent = now();
    ends.a.spawn(write_to(ends.near, "x")).detach();
    const Duration took = sim.run_until(ends.b.spawn(until_read(ends.far))) - sent;
    least = std::min(least, took);
    most = std::max(most, took);
  }

  CHECK(least >= 10ms);
  CHECK(least < 11ms);
  CHECK(most > 19ms);
  CHECK(most <= 20ms);
}

TEST_CASE_FIXTURE(Simulated, "within a node packets take microseconds, whatever the links do") {
  Node& a = sim.node("a");
  a.spawn(echo_server()).detach();
  const auto round_trips = []() -> Task<> {
    Stream stream = co_await io::connect("tcp:localhost:80");
    co_await stream.write_all("x");
    co_await read_from(stream);
  };

  sim.run_until(a.spawn(round_trips));

  CHECK(now() > 4 * 10us);
  CHECK(now() <= 5 * 50us);
}

TEST_CASE_FIXTURE(Simulated, "a link lets so many bytes a second through, of all connections") {
  TwoEnds ends(*this);
  TwoEnds others(*this);
  sim.link("a", "b").bandwidth(10'000);
  const Duration sent = now();
  ends.a.spawn(write_to(ends.near, std::string(5000, 'x'))).detach();
  settle();
  others.a.spawn(write_to(others.near, "y")).detach();

  CHECK(sim.run_until(ends.b.spawn(until_read(others.far))) == sent + 500ms + 100us + 1ms);
}

TEST_CASE_FIXTURE(Simulated, "the two directions of a link have a bandwidth each") {
  TwoEnds ends(*this);
  sim.links().bandwidth(10'000);
  const Duration sent = now();
  ends.a.spawn(write_to(ends.near, std::string(5000, 'x'))).detach();
  settle();
  ends.b.spawn(write_to(ends.far, "y")).detach();

  CHECK(sim.run_until(ends.a.spawn(until_read(ends.near))) == sent + 100us + 1ms);
}

TEST_CASE_FIXTURE(Simulated, "64 KiB are taken before the peer reads, and no more") {
  TwoEnds ends(*this);
  Spawned<void> writer = ends.a.spawn(write_to(ends.near, std::string(65'537, 'x')));
  sim.run(1h);
  CHECK(ends.near.bytes_written() == 65'536);
  CHECK_FALSE(writer.done());

  sim.run_until(ends.b.spawn(read_from(ends.far)));
  sim.run(1h);

  CHECK(said(writer) == "no error");
}

TEST_CASE_FIXTURE(Simulated, "room comes back in lumps, and not by the byte") {
  TwoEnds ends(*this);
  ends.a.spawn(write_to(ends.near, std::string(65'536, 'x'))).detach();
  sim.run();
  Spawned<void> writer = ends.a.spawn(write_to(ends.near, "y"));

  sim.run_until(ends.b.spawn(read_from(ends.far, 16'383)));
  sim.run();
  CHECK_FALSE(writer.done());
  sim.run_until(ends.b.spawn(read_from(ends.far, 1)));
  sim.run();

  CHECK(said(writer) == "no error");
}

TEST_CASE_FIXTURE(Simulated, "megabytes go through the window, in both directions at once") {
  TwoEnds ends(*this);
  sim.links().latency(1ms, 3ms);
  std::string text(3'000'000, ' ');
  for (char& c : text) c = static_cast<char>(sim.random()());
  const auto send = [&](Stream& stream) -> Task<> {
    co_await stream.write_all(text);
    co_await stream.shutdown_write();
  };
  ends.a.spawn(send, std::ref(ends.near)).detach();
  ends.b.spawn(send, std::ref(ends.far)).detach();
  Spawned<std::string> near = ends.a.spawn(ends.near.read_to_end());

  CHECK(sim.run_until(ends.b.spawn(ends.far.read_to_end())) == text);
  CHECK(sim.run_until(std::move(near)) == text);
}

TEST_CASE_FIXTURE(Simulated, "a stream that says its end goes on to read") {
  TwoEnds ends(*this);
  const auto asks = [&]() -> Task<std::string> {
    co_await ends.near.write_all("question");
    co_await ends.near.shutdown_write();
    co_return co_await ends.near.read_to_end();
  };
  const auto answers = [&]() -> Task<> {
    const std::string question = co_await ends.far.read_to_end();
    co_await ends.far.write_all("answer to " + question);
    ends.far.close();
  };
  ends.b.spawn(answers).detach();

  CHECK(sim.run_until(ends.a.spawn(asks)) == "answer to question");
}

TEST_CASE_FIXTURE(Simulated, "writing after the end was said is an error") {
  TwoEnds ends(*this);
  const auto writes = [&]() -> Task<> {
    co_await ends.near.shutdown_write();
    co_await ends.near.write_all("x");
  };

  CHECK(what(outcome_of(ends.a.spawn(writes))) == "write to [fd00::2]:80: Broken pipe");
}

TEST_CASE_FIXTURE(Simulated, "what was written before a close is delivered, and then the end") {
  TwoEnds ends(*this);
  sim.run_until(ends.a.spawn(write_to(ends.near, std::string(60'000, 'x'))));
  ends.near.close();

  CHECK(sim.run_until(ends.b.spawn(ends.far.read_to_end())).size() == 60'000);
}

TEST_CASE_FIXTURE(Simulated, "a stream that is closed with bytes unread is reset") {
  TwoEnds ends(*this);
  sim.run_until(ends.b.spawn(write_to(ends.far, "nobody reads this")));
  sim.run();
  ends.near.close();

  CHECK(what(outcome_of(ends.b.spawn(read_from(ends.far)))) ==
        "read from [fd00::1]:49152: Connection reset by peer");
}

TEST_CASE_FIXTURE(Simulated, "bytes that come to a closed stream are answered by a reset") {
  TwoEnds ends(*this);
  ends.near.close();
  Spawned<std::string> reader = ends.b.spawn(read_from(ends.far));
  sim.run();
  CHECK(outcome_of(std::move(reader)).value().empty());

  sim.run_until(ends.b.spawn(write_to(ends.far, "x")));
  sim.run();

  // As Linux has it: it was told the end, which stays the end.
  CHECK(what(outcome_of(ends.b.spawn(write_to(ends.far, "y")))) ==
        "write to [fd00::1]:49152: Broken pipe");
  CHECK(outcome_of(ends.b.spawn(read_from(ends.far))).value().empty());
}

TEST_CASE_FIXTURE(Simulated, "an abort is a reset, behind which what had come is still read") {
  TwoEnds ends(*this);
  sim.run_until(ends.a.spawn(write_to(ends.near, "last words")));
  ends.near.abort();
  sim.run();

  CHECK(sim.run_until(ends.b.spawn(read_from(ends.far))) == "last words");
  CHECK(what(outcome_of(ends.b.spawn(read_from(ends.far)))) ==
        "read from [fd00::1]:49152: Connection reset by peer");
  CHECK(what(outcome_of(ends.b.spawn(write_to(ends.far, "x")))) ==
        "write to [fd00::1]:49152: Connection reset by peer");
}

TEST_CASE("a reset may overtake what was sent before it, which is lost then") {
  int lost = 0;
  int came = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Simulated fresh;
    TwoEnds ends(fresh);
    Simulation& sim = fresh.sim;
    sim.links().latency(1ms, 100ms);
    for (std::uint64_t i = 0; i < seed; ++i) {
      ends.a.spawn(write_to(ends.near, "x")).detach();
      fresh.settle();
    }
    ends.near.abort();
    sim.run();
    Spawned<std::string> reader = ends.b.spawn(read_from(ends.far));
    const std::string said = what(fresh.outcome_of(std::move(reader)));
    (said == "no error" ? came : lost) += 1;
  }

  CHECK(lost > 0);
  CHECK(came > 0);
}

TEST_CASE_FIXTURE(Simulated, "linger_close keeps the peer from losing the last that was written") {
  TwoEnds ends(*this);
  sim.links().latency(1ms, 50ms);
  const auto answers = [&]() -> Task<> {
    co_await ends.far.write_all("answer");
    co_await io::linger_close(ends.far);
  };
  const auto asks = [&]() -> Task<std::string> {
    co_await ends.near.write_all(std::string(30'000, '?'));
    std::string answer = co_await ends.near.read_to_end();
    ends.near.close();
    co_return answer;
  };
  Spawned<void> server = ends.b.spawn(answers);

  CHECK(sim.run_until(ends.a.spawn(asks)) == "answer");
  sim.run_until(std::move(server));
}

TEST_CASE_FIXTURE(Simulated, "who waits on a stream when it is closed is told so") {
  TwoEnds ends(*this);
  Spawned<std::string> reader = ends.a.spawn(read_from(ends.near));
  sim.run();

  ends.near.close();

  CHECK(what(outcome_of(std::move(reader))) ==
        "read from [fd00::2]:80: it was closed on this side");
}

TEST_CASE_FIXTURE(Simulated, "a read that is cancelled loses nothing") {
  TwoEnds ends(*this);
  Spawned<std::string> cut = ends.b.spawn(read_from(ends.far));
  sim.run();
  sim.run_until(ends.a.spawn(write_to(ends.near, "kept")));
  sim.run(1ms - 1ns);
  cut.task().cancel();
  sim.run();
  CHECK(outcome_of(std::move(cut)).check<Cancelled>());

  CHECK(sim.run_until(ends.b.spawn(read_from(ends.far))) == "kept");
}
