// SPDX-License-Identifier: MIT
// Streams joined in memory. What any stream has to do, the kit says: kit.cpp.
#include "deferred/testing/memory_pipe.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "deferred/testing/allocation_failure.hpp"
#include "deferred/testing/explore_cancel.hpp"
#include "deferred/yieldables/all.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/streams/in_virtual_time.hpp"

using namespace deferred;
using namespace deferred::testing;

namespace {

struct Talk {
  explicit Talk(Reactor& reactor) : pipe(memory_pipe(reactor, 4)) {}
  StreamPair pipe;
  std::string text = pattern(20);
  std::string got;
};

// Both try again if it is memory that is missing, a hundred times.
Task<> write_bytes(std::shared_ptr<Talk> talk) {
  int failures = 0;
  for (std::size_t sent = 0; sent < talk->text.size() && failures < 100;) {
    const std::string_view next = std::string_view(talk->text).substr(sent, 1);
    const auto one = co_await as_outcome(talk->pipe.near.write_some(next));
    if (one.check<std::system_error>()) co_return;
    sent += one.has_value();
    failures += !one.has_value();
  }
}
Task<> read_bytes(std::shared_ptr<Talk> talk) {
  int failures = 0;
  while (talk->got.size() < talk->text.size() && failures < 100) {
    char byte = 0;
    const auto one = co_await as_outcome(talk->pipe.far.read_some(std::span(&byte, 1)));
    if (one.check<std::system_error>()) co_return;
    if (one.has_value()) talk->got += byte;
    failures += !one.has_value();
  }
}
Task<> write_and_read(std::shared_ptr<Talk> talk) {
  Task<> writing = write_bytes(talk);
  Task<> reading = read_bytes(talk);
  co_await all(std::move(writing), std::move(reading));
}

}  // namespace

TEST_CASE("what is written to an end of a memory pipe is read at the other, in a later turn") {
  run_in_virtual_time([](Reactor&) -> Task<> {
    StreamPair pipe = memory_pipe();
    std::string got(5, ' ');
    Spawned<void> reader = spawn(pipe.far.read_exactly(got));
    co_await Pause{};

    co_await pipe.near.write_all("hello");
    CHECK_FALSE(reader.done());
    co_await std::move(reader);

    CHECK(got == "hello");
  });
}

TEST_CASE("a writer that is as far ahead of its reader as there is room waits") {
  run_in_virtual_time([](Reactor&) -> Task<> {
    for (const std::size_t room : {1, 2, 10}) {
      StreamPair pipe = memory_pipe(room);
      const std::string text = pattern(room + 1);
      Spawned<void> writer = spawn(pipe.near.write_all(text));
      co_await turns(3);

      CAPTURE(room);
      CHECK_FALSE(writer.done());
      CHECK(pipe.near.bytes_written() == room);
      std::string got(1, ' ');
      co_await pipe.far.read_exactly(got);
      co_await std::move(writer);
      CHECK(pipe.near.bytes_written() == room + 1);
    }
  });
}

TEST_CASE("a memory pipe without room has room for a byte") {
  run_in_virtual_time([](Reactor&) -> Task<> {
    StreamPair pipe = memory_pipe(0);

    co_await pipe.near.write_all("x");
    pipe.near.close();

    const std::string got = co_await pipe.far.read_to_end();
    CHECK(got == "x");
  });
}

TEST_CASE("the peer of one who closes with bytes unread reads what has come, and then a reset") {
  run_in_virtual_time([](Reactor&) -> Task<> {
    StreamPair pipe = memory_pipe();
    co_await pipe.near.write_all("431 too much");
    co_await pipe.far.write_all("much");

    pipe.near.close();

    std::string got(12, ' ');
    co_await pipe.far.read_exactly(got);
    const auto end = co_await as_outcome(pipe.far.read_to_end());
    const auto written = co_await as_outcome(pipe.far.write_all("more"));
    CHECK(got == "431 too much");
    CHECK(what(end) == "read from memory pipe, near end: Connection reset by peer");
    CHECK(what(written) == "write to memory pipe, near end: Connection reset by peer");
  });
}

TEST_CASE("the peer of one who closes with nothing unread reads the end, and cannot write") {
  run_in_virtual_time([](Reactor&) -> Task<> {
    StreamPair pipe = memory_pipe();

    pipe.near.close();

    const std::string end = co_await pipe.far.read_to_end();
    const auto written = co_await as_outcome(pipe.far.write_all("more"));
    CHECK(end.empty());
    CHECK(what(written) == "write to memory pipe, near end: Broken pipe");
  });
}

TEST_CASE("the ends of a memory pipe name each other, and are no descriptors") {
  run_in_virtual_time([](Reactor& reactor) -> Task<> {
    const StreamPair pipe = memory_pipe(reactor);

    CHECK(pipe.near.peer() == pipe.far.local());
    CHECK(pipe.far.peer() == pipe.near.local());
    CHECK(pipe.near.peer() != pipe.far.peer());
    CHECK(pipe.near.transport().descriptor() == -1);
    co_return;
  });
}

TEST_CASE("a memory pipe that runs out of memory loses no byte, and leaves nothing behind") {
  const auto report = with_allocation_failures([](Reactor& reactor) {
    const auto talk = std::make_shared<Talk>(reactor);
    Spawned<void> both = spawn(reactor, write_and_read, talk);
    for (int turn = 0; turn < 200 && talk->got != talk->text; ++turn) {
      reactor.backend().run_once(false);
    }
    const AllocationsSucceed checking;
    must(talk->got == talk->text || allocation_failed(), "it does not end");
    must(talk->text.starts_with(talk->got), "bytes are lost");
    both.task().close();
    std::move(both).detach();
  });

  CHECK_MESSAGE(report.faults.empty(), report.summary());
}
