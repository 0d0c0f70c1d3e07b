// SPDX-License-Identifier: MIT
//
// Peers that read slowly, or not at all: who writes to them waits, and nobody else.
#include <doctest/doctest.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "deferred/io.hpp"
#include "deferred/tasks/nursery.hpp"
#include "tests/io/loopback.hpp"

using namespace deferred;
using namespace deferred::testing;
using io::Listener;
using io::Stream;

namespace {

/// The kernel keeps no more than twice that for it: socket(7). With less than what the loopback
/// sends as one segment the two would wait for each other's timers.
void narrow(const Stream& stream, int bytes) {
  const int fd = stream.transport().descriptor();
  REQUIRE(::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) == 0);
  REQUIRE(::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes) == 0);
}

Task<> write_and_close(Stream& stream, std::string_view text) {
  co_await stream.write_all(text);
  stream.close();
}

}  // namespace

TEST_CASE("a writer is never further ahead of a slow reader than the kernel has room") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    narrow(ends.near, 128 << 10);
    narrow(ends.far, 128 << 10);
    const std::string text = pattern(4 << 20);
    std::string got;
    std::size_t furthest = 0;

    const auto both = [&](Nursery& nursery) -> Task<> {
      nursery.spawn(write_and_close(ends.near, text));
      char room[16 << 10];
      while (true) {
        furthest = std::max<std::size_t>(furthest, ends.near.bytes_written() - got.size());
        const std::size_t size = co_await ends.far.read_some(room);
        if (size == 0) co_return;
        got.append(room, size);
        co_await Pause{};
      }
    };
    co_await with_nursery(both);

    CHECK(got == text);
    CHECK(furthest <= 1 << 20);
  });
}

TEST_CASE("a client that reads nothing keeps a server from nobody else, nor from its end") {
  run([](Reactor&) -> Task<> {
    Listener listener = io::listen("127.0.0.1", 0);
    const std::string text = pattern(8 << 20);
    std::size_t served = 0;
    const auto handler = [&](Stream stream) -> Task<> {
      co_await stream.write_all(text);
      ++served;
    };
    std::vector<std::string> got;

    const auto both = [&](Nursery& nursery) -> Task<> {
      nursery.spawn(io::serve(listener, handler));
      const Stream silent = co_await io::connect("127.0.0.1", listener.port());
      for (int i = 0; i < 3; ++i) {
        Stream client = co_await io::connect("127.0.0.1", listener.port());
        got.push_back(co_await client.read_to_end());
      }
      nursery.cancel();
    };
    co_await with_nursery(both);

    CHECK(got == std::vector<std::string>(3, text));
    CHECK(served == 3);
  });
}
