// SPDX-License-Identifier: MIT
#include "deferred/yieldables/readable.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "deferred/yieldables/writable.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

struct SocketLoop {
  SocketLoop() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    near = ends[0];
    far = ends[1];
  }
  ~SocketLoop() {
    ::close(near);
    if (far >= 0) ::close(far);
  }
  void send(const std::string& text) {
    REQUIRE(::write(far, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  std::string receive() {
    std::array<char, 100> buffer;
    const ssize_t size = ::read(near, buffer.data(), buffer.size());
    return size < 0 ? "?" : std::string(buffer.data(), static_cast<std::size_t>(size));
  }

  int near;
  int far;
  Loop loop;
};

TEST_CASE_FIXTURE(SocketLoop, "Readable goes on when there is something to read") {
  auto spawned = spawn(loop.reactor, [&]() -> Task<std::string> {
    co_await Readable(near);
    co_return receive();
  });
  loop.settle();
  REQUIRE_FALSE(spawned.done());

  send("hello");
  loop.settle();

  CHECK(Loop::outcome_of(std::move(spawned)).value() == "hello");
}

TEST_CASE_FIXTURE(SocketLoop, "Readable goes on at the end of the stream") {
  auto spawned = spawn(loop.reactor, [&]() -> Task<std::string> {
    co_await Readable(near);
    co_return receive();
  });
  loop.settle();

  ::close(std::exchange(far, -1));
  loop.settle();

  CHECK(Loop::outcome_of(std::move(spawned)).value() == "");
}

TEST_CASE_FIXTURE(SocketLoop, "a Readable can be awaited again") {
  std::string all;
  spawn(loop.reactor, [&]() -> Task<> {
    const Readable readable(near);
    for (int i = 0; i < 2; ++i) {
      co_await readable;
      all += receive();
    }
  });
  send("one ");
  loop.settle();

  send("two");
  loop.settle();

  CHECK(all == "one two");
}

TEST_CASE_FIXTURE(SocketLoop,
                  "Writable goes on at once while there is room, and later when there is") {
  auto spawned = spawn(loop.reactor, [&]() -> Task<int> {
    int written = 0;
    const std::string block(10'000, 'x');
    const Writable writable(near);
    for (int rounds = 0; rounds < 100; ++rounds) {
      co_await writable;
      const ssize_t size = ::write(near, block.data(), block.size());
      if (size > 0) written += static_cast<int>(size);
    }
    co_return written;
  });
  loop.settle();
  REQUIRE_FALSE(spawned.done());

  std::array<char, 100'000> sink;
  while (!spawned.done()) {
    while (::read(far, sink.data(), sink.size()) > 0) {
    }
    loop.settle();
  }

  CHECK(Loop::outcome_of(std::move(spawned)).value() > 100'000);
}

TEST_CASE_FIXTURE(SocketLoop,
                  "Readable can be given a time limit, and leaves neither watch nor timer") {
  const auto outcome =
      loop.outcome_of([&]() -> Task<> { co_await with_timeout(5s, Readable(near)); });

  CHECK(outcome.check<TimeoutError>());
  CHECK(loop.now() == 5s);
  CHECK(loop.reactor.timer_count() == 0);
}

TEST_CASE_FIXTURE(SocketLoop, "data that is there is looked at before the clock jumps") {
  send("in time");

  const auto outcome =
      loop.outcome_of([&]() -> Task<> { co_await with_timeout(5s, Readable(near)); });

  CHECK(outcome.has_value());
  CHECK(loop.now() == 0s);
}

TEST_CASE_FIXTURE(SocketLoop, "a cancelled Readable is not watched any more") {
  auto spawned = spawn(loop.reactor, [&]() -> Task<> { co_await Readable(near); });
  loop.settle();

  spawned.task().cancel();
  loop.settle();
  send("for nobody");
  loop.settle();

  CHECK(Loop::outcome_of(std::move(spawned)).check<Cancelled>());
}

TEST_CASE_FIXTURE(SocketLoop,
                  "two microthreads may wait for the two directions of one descriptor") {
  auto reader = spawn(loop.reactor, [&]() -> Task<> { co_await Readable(near); });
  auto writer = spawn(loop.reactor, [&]() -> Task<> { co_await Writable(near); });

  loop.settle();
  CHECK(writer.done());
  CHECK_FALSE(reader.done());
  send("x");
  loop.settle();

  CHECK(reader.done());
}

TEST_CASE_FIXTURE(SocketLoop, "two microthreads may wait to read one descriptor") {
  auto one = spawn(loop.reactor, [&]() -> Task<> { co_await Readable(near); });
  auto two = spawn(loop.reactor, [&]() -> Task<> { co_await Readable(near); });
  loop.settle();

  send("x");
  loop.settle();

  CHECK(one.done());
  CHECK(two.done());
}

TEST_CASE_FIXTURE(SocketLoop, "a descriptor that cannot be watched is an error at the await") {
  const auto outcome = loop.outcome_of([]() -> Task<> { co_await Readable(-1); });

  CHECK_FALSE(outcome.has_value());
}

}  // namespace
