// SPDX-License-Identifier: MIT
// Many short messages in a stream's buffer, whose reader never has to wait.
#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "deferred/io/length_prefixed.hpp"
#include "deferred/io/lines.hpp"
#include "deferred/io/netstring.hpp"
#include "tests/io/loopback.hpp"

using namespace deferred;
using namespace deferred::testing;
using io::Stream;
using Message = std::optional<std::string>;

namespace {

constexpr long messages = 1'000'000;
constexpr long most_in_a_turn = 1024;

struct Reader {
  std::string name;
  std::string message;
  Task<Message> (*read)(Stream& stream);
};
const std::vector<Reader> readers = {
    {"lines", "x\n", [](Stream& stream) { return io::read_line(stream); }},
    {"netstrings", "1:x,", [](Stream& stream) { return io::read_netstring(stream); }},
    {"prefixed", {'\1', 'x'}, [](Stream& s) { return io::read_prefixed<std::uint8_t>(s); }},
};

Task<> fill(Ends& ends, const std::string& message) {
  std::string all;
  for (long i = 0; i < messages; ++i) all += message;
  Spawned<void> writer = spawn(ends.near.write_all(all));
  while (ends.far.buffered().size() < all.size()) {
    const bool more = co_await ends.far.read_more();
    REQUIRE(more);
  }
  co_await std::move(writer);
  ends.near.close();
}

Task<> count_messages(const Reader& reader, Stream& stream, long& count) {
  for (Message m = co_await reader.read(stream); m; m = co_await reader.read(stream)) {
    if (*m != "x") throw std::logic_error("another message");
    ++count;
  }
}

Task<> echo_once(Stream& stream) {
  std::array<char, 10> room;
  const std::size_t got = co_await stream.read_some(room);
  co_await stream.write_all({room.data(), got});
}

}  // namespace

TEST_CASE("a million messages in a buffer keep neither a timer nor other streams waiting") {
  for (const Reader& reader : readers) {
    CAPTURE(reader.name);
    run([&reader](Reactor& reactor) -> Task<> {
      Ends ends = co_await connected(reactor);
      Ends other = co_await connected(reactor);
      co_await fill(ends, reader.message);
      long count = 0;
      long at_timer = -1;
      long at_answer = -1;
      const DelayedCall timer = reactor.call_later(Duration::zero(), [&] { at_timer = count; });
      const Spawned<void> server = spawn(reactor, echo_once(other.far));
      const auto ask = [&]() -> Task<> {
        std::array<char, 10> room;
        co_await other.near.write_all("hello");
        co_await other.near.read_some(room);
        at_answer = count;
      };
      const Spawned<void> client = spawn(reactor, ask);

      co_await count_messages(reader, ends.far, count);

      CHECK(count == messages);
      CHECK(at_timer >= 0);
      CHECK(at_timer <= most_in_a_turn);
      CHECK(at_answer >= 0);
      CHECK(at_answer <= 5 * most_in_a_turn);  // a few turns to write, to read and to answer
    });
  }
}
