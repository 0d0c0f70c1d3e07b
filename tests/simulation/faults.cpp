// SPDX-License-Identifier: MIT
// Streams that do what programs may not like: parts, waits, and connections that break.
#include <algorithm>
#include <vector>

#include "tests/simulation/simulated.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::Stream;

namespace {

std::string numbers(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += std::to_string(i) + ",";
  return text;
}

/// Three messages at once, and what comes back of them, one by one.
Task<> ask_three(Stream& stream, std::vector<std::string>& answers) {
  const std::string messages =
      io::encode_netstring("one") + io::encode_netstring("two") + io::encode_netstring("three");
  co_await stream.write_all(messages);
  for (int i = 0; i < 3; ++i) {
    std::string answer = co_await message_from(stream);
    answers.push_back(std::move(answer));
  }
}
Task<> answer_all(Stream stream) {
  while (true) {
    const std::string message = co_await message_from(stream);
    const std::string answer = io::encode_netstring(message + "!");
    co_await stream.write_all(answer);
  }
}

/// Waits for a stream's readiness, below all tasks.
class Looks final : public io::Readiness::Observer {
 public:
  explicit Looks(io::Readiness& at) { wait_for(at); }
  bool told = false;

 private:
  bool on_ready() noexcept override {
    leave();
    told = true;
    return false;
  }
  void on_end(Failure) noexcept override {}
};

}  // namespace

TEST_CASE_FIXTURE(Simulated, "short reads give a part at a time, and all of it in the end") {
  TwoEnds ends(*this);
  sim.faults(Faults().short_reads());
  const std::string text = numbers(1000);
  sim.run_until(ends.a.spawn(write_to(ends.near, text)));
  ends.near.close();
  sim.run();
  const auto read = [&]() -> Task<int> {
    std::string all;
    int parts = 0;
    std::string part = co_await read_from(ends.far);
    for (; !part.empty(); ++parts) {
      all += part;
      part = co_await read_from(ends.far);
    }
    CHECK(all == text);
    co_return parts;
  };

  CHECK(sim.run_until(ends.b.spawn(read)) > 3);
}

TEST_CASE_FIXTURE(Simulated, "short writes take a part at a time") {
  TwoEnds ends(*this);
  sim.faults(Faults().short_writes());
  const std::string text = numbers(1000);
  std::vector<std::size_t> taken;
  for (int i = 0; i < 20; ++i) {
    taken.push_back(sim.run_until(ends.a.spawn(ends.near.write_some(text))));
    CHECK(taken.back() >= 1);
    CHECK(taken.back() <= text.size());
  }

  std::sort(taken.begin(), taken.end());
  CHECK(taken.front() < text.size() / 4);
  CHECK(taken.back() > text.size() / 2);
}

TEST_CASE_FIXTURE(Simulated, "streams that would block at times give all of it, in later turns") {
  TwoEnds ends(*this);
  sim.faults(Faults().would_blocks());
  const std::string text = numbers(100);
  const auto write = [&]() -> Task<> {
    for (const char c : text) co_await ends.near.write_all({&c, 1});
    co_await ends.near.shutdown_write();
  };
  Spawned<void> writer = ends.a.spawn(write);

  CHECK(sim.run_until(ends.b.spawn(ends.far.read_to_end())) == text);
  sim.run_until(std::move(writer));
}

TEST_CASE_FIXTURE(Simulated,
                  "a connection that breaks by chance does so behind a write, for both") {
  TwoEnds ends(*this);
  sim.faults(Faults().resets(0.1));
  int written = 0;
  const auto write = [&]() -> Task<> {
    for (;; ++written) co_await ends.near.write_all("x");
  };
  const Outcome<void> writer = outcome_of(ends.a.spawn(write));
  CHECK(what(writer) == "write to [fd00::2]:80: Connection reset by peer");
  sim.run();

  const Outcome<std::string> all = outcome_of(ends.b.spawn(ends.far.read_to_end()));

  CHECK(what(all) == "read from [fd00::1]:49152: Connection reset by peer");
  CHECK(ends.far.bytes_read() == static_cast<std::uint64_t>(written));
  CHECK(written > 0);
}

TEST_CASE_FIXTURE(Simulated, "reset_after() breaks a connection behind so many bytes, for both") {
  TwoEnds ends(*this);
  sim.run_until(ends.a.spawn(write_to(ends.near, "before ")));
  sim.reset_after(ends.near, 4);

  CHECK(what(outcome_of(ends.a.spawn(write_to(ends.near, "afterwards")))) ==
        "write to [fd00::2]:80: Connection reset by peer");
  CHECK(what(outcome_of(ends.a.spawn(read_from(ends.near)))) ==
        "read from [fd00::2]:80: Connection reset by peer");
  sim.run();
  CHECK(sim.run_until(ends.b.spawn(read_from(ends.far))) == "before afte");
  CHECK(what(outcome_of(ends.b.spawn(read_from(ends.far)))) ==
        "read from [fd00::1]:49152: Connection reset by peer");
}

TEST_CASE_FIXTURE(Simulated, "who reads what breaks in a write is told so in a later turn") {
  TwoEnds ends(*this);
  sim.reset_after(ends.near, 1);
  const Looks reader(ends.near.transport().readable());

  ends.near.transport().try_write("x");

  CHECK_FALSE(reader.told);
  settle();
  CHECK(reader.told);
}

TEST_CASE_FIXTURE(Simulated, "reset_after(0) breaks it at once") {
  TwoEnds ends(*this);
  Spawned<std::string> near = ends.a.spawn(read_from(ends.near));
  Spawned<std::string> far = ends.b.spawn(read_from(ends.far));
  settle();

  sim.reset_after(ends.near, 0);

  CHECK(what(outcome_of(std::move(near))) == "read from [fd00::2]:80: Connection reset by peer");
  CHECK(what(outcome_of(std::move(far))) == "read from [fd00::1]:49152: Connection reset by peer");
}

TEST_CASE_FIXTURE(Simulated, "reset_after() of what is no stream of a simulation is refused") {
  CHECK_THROWS_AS(sim.reset_after(Stream(), 1), std::system_error);
}

TEST_CASE("a reset at each byte of three answers leaves those that came whole") {
  const std::string answers = "4:one!,4:two!,6:three!,";
  for (std::size_t bytes = 0; bytes < answers.size(); ++bytes) {
    Simulated fresh;
    TwoEnds ends(fresh);
    fresh.sim.reset_after(ends.far, bytes);
    std::vector<std::string> got;
    Spawned<void> server = ends.b.spawn(answer_all, std::move(ends.far));
    Spawned<void> client = ends.a.spawn(ask_three, std::ref(ends.near), std::ref(got));

    CHECK(what(fresh.outcome_of(std::move(client))) ==
          "read from [fd00::2]:80: Connection reset by peer");
    CHECK(what(fresh.outcome_of(std::move(server))).ends_with("Connection reset by peer"));
    CHECK(got.size() == (bytes >= 7 ? 1U : 0U) + (bytes >= 14 ? 1U : 0U));
  }
}

TEST_CASE("a reset at each byte of three messages lets the server see those that came whole") {
  const std::string messages = "3:one,3:two,5:three,";
  for (std::size_t bytes = 0; bytes <= messages.size(); ++bytes) {
    Simulated fresh;
    TwoEnds ends(fresh);
    fresh.sim.reset_after(ends.near, bytes);
    std::vector<std::string> got;
    std::vector<std::string> asked;
    const auto take_all = [&asked](Stream stream) -> Task<> {
      while (true) {
        std::string message = co_await message_from(stream);
        asked.push_back(std::move(message));
      }
    };
    Spawned<void> server = ends.b.spawn(take_all, std::move(ends.far));
    Spawned<void> client = ends.a.spawn(ask_three, std::ref(ends.near), std::ref(got));

    CHECK(what(fresh.outcome_of(std::move(server))) ==
          "read from [fd00::1]:49152: Connection reset by peer");
    CHECK(what(fresh.outcome_of(std::move(client))).ends_with("Connection reset by peer"));
    CHECK(asked.size() ==
          (bytes >= 6 ? 1U : 0U) + (bytes >= 12 ? 1U : 0U) + (bytes >= 20 ? 1U : 0U));
    CHECK(got.empty());
  }
}
