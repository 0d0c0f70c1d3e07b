// SPDX-License-Identifier: MIT
// How much a stream reads at once, for those who take it in pieces.
#include <array>
#include <string>

#include "tests/io/loopback.hpp"

using namespace deferred;
using namespace deferred::testing;
using io::Stream;

namespace {

constexpr std::size_t nowhere = std::string_view::npos;

Task<> write(Stream& stream, std::string text) { co_await stream.write_all(text); }

Task<> send_and_read_more(Ends& ends, std::string_view text) {
  co_await ends.near.write_all(text);
  const bool more = co_await ends.far.read_more();
  REQUIRE(more);
}

/// Where the search has been before, this is not seen.
void put(Stream& stream, std::size_t at, char byte) {
  const_cast<char&>(stream.buffered()[at]) = byte;
}

}  // namespace

// Room was made for 2 KiB each time, however much there was.
TEST_CASE("where much comes, much is read at once, also if all of it is consumed each time") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    constexpr std::size_t size = 400'000;
    const Spawned<void> writer = spawn(reactor, write(ends.near, pattern(size)));
    std::string all;
    int reads = 0;
    while (all.size() < size) {
      const bool more = co_await ends.far.read_more();
      REQUIRE(more);
      all += ends.far.buffered();
      ends.far.consume(ends.far.buffered().size());
      ++reads;
    }

    CHECK(all == pattern(size));
    CHECK(reads < 60);  // of 2 to 4 KiB there would be 100 and more
  });
}

TEST_CASE("a byte is found in what is buffered, as soon as it has come") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);

    CHECK(ends.far.find_buffered(';') == nowhere);
    co_await send_and_read_more(ends, "ab");
    CHECK(ends.far.find_buffered(';') == nowhere);
    co_await send_and_read_more(ends, "c;d;");
    CHECK(ends.far.find_buffered(';') == 3);
    CHECK(ends.far.find_buffered(';') == 3);
    ends.far.consume(4);
    CHECK(ends.far.find_buffered(';') == 1);
    CHECK(ends.far.find_buffered('a') == nowhere);
    CHECK(ends.far.find_buffered('d') == 0);
    CHECK(Stream().find_buffered(';') == nowhere);
  });
}

TEST_CASE("what was searched for a byte is not searched for it again") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    co_await send_and_read_more(ends, "abc");

    CHECK(ends.far.find_buffered(';') == nowhere);
    put(ends.far, 1, ';');
    CHECK(ends.far.find_buffered(';') == nowhere);
    co_await send_and_read_more(ends, "de;;");
    CHECK(ends.far.find_buffered(';') == 5);
    put(ends.far, 4, ';');
    CHECK(ends.far.find_buffered(';') == 5);
  });
}

TEST_CASE("a search begins anew for another byte, and when something was consumed") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    co_await send_and_read_more(ends, "abcdefgh");
    std::array<char, 1> room;

    CHECK(ends.far.find_buffered(';') == nowhere);
    CHECK(ends.far.find_buffered('b') == 1);
    put(ends.far, 4, ';');
    CHECK(ends.far.find_buffered(';') == 4);
    put(ends.far, 3, ';');
    ends.far.consume(1);
    CHECK(ends.far.find_buffered(';') == 2);
    put(ends.far, 1, ';');
    co_await ends.far.read_some(room);
    CHECK(ends.far.find_buffered(';') == 0);
    put(ends.far, 0, 'c');
    put(ends.far, 1, 'd');
    put(ends.far, 2, 'e');
    CHECK(ends.far.find_buffered(';') == nowhere);
    co_await ends.far.read_exactly(room);
    put(ends.far, 0, ';');
    CHECK(ends.far.find_buffered(';') == 0);
  });
}
