// SPDX-License-Identifier: MIT
// How much a stream reads at once, for those who take it in pieces.
#include "tests/io/loopback.hpp"

using namespace deferred;
using namespace deferred::testing;
using io::Stream;

namespace {

Task<> write(Stream& stream, std::string text) { co_await stream.write_all(text); }

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
