// SPDX-License-Identifier: MIT
//
// What loses a race, or is cut for another reason, after its wait has been answered and before it
// goes on: it has taken nothing, so that what it would have given is there for whoever is next.
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "deferred/io/descriptor_passing.hpp"
#include "deferred/io/length_prefixed.hpp"
#include "deferred/io/lines.hpp"
#include "deferred/io/netstring.hpp"
#include "deferred/yieldables/event.hpp"
#include "deferred/yieldables/race.hpp"
#include "tests/io/loopback.hpp"

using namespace deferred;
using namespace deferred::testing;
using io::Stream;

namespace {

/// What reads, as text: what it was given, as it came.
struct Reader {
  std::string name;
  std::string sent;
  Task<std::string> (*read)(Stream& stream);
};

const std::vector<Reader> readers = {
    {"read_exactly", "hello",
     [](Stream& stream) -> Task<std::string> {
       std::array<char, 5> room{};
       co_await stream.read_exactly(room);
       co_return std::string(room.data(), room.size());
     }},
    {"read_line", "hello\n",
     [](Stream& stream) -> Task<std::string> {
       const auto line = co_await io::read_line(stream);
       co_return line.value() + "\n";
     }},
    {"read_netstring", "5:hello,",
     [](Stream& stream) -> Task<std::string> {
       const auto text = co_await io::read_netstring(stream);
       co_return io::encode_netstring(text.value());
     }},
    {"read_prefixed", "\5hello",
     [](Stream& stream) -> Task<std::string> {
       const auto text = co_await io::read_prefixed<std::uint8_t>(stream);
       co_return io::encode_prefixed<std::uint8_t>(text.value());
     }},
    {"receive_with_descriptors", "hello",
     [](Stream& stream) -> Task<std::string> {
       std::array<char, 5> room{};
       const io::ReceivedDescriptors got = co_await io::receive_with_descriptors(stream, room);
       co_return std::string(room.data(), got.size);
     }},
};

/// The two ends of a Unix stream.
Ends unix_ends() {
  std::array<int, 2> both{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both.data()) == 0);
  return Ends(io::adopt(io::Descriptor(both[0])), io::adopt(io::Descriptor(both[1])));
}

/// When the other input of a race comes: so many turns after what is waited for or before it; or by
/// a timer, behind the poll that has seen it.
struct Moment {
  int after;
  bool by_timer = false;
};
const std::vector<Moment> moments = {{-3}, {-2}, {-1}, {0}, {1}, {2}, {3}, {4}, {0, true}};

/// Lets both of a race begin to wait, then causes what is waited for, and sets `other`.
Task<> set_off(Moment when, std::function<void()> cause, Event& other) {
  co_await turns(5);
  if (when.after < 0) other.set();
  for (int turn = when.after; turn < 0; ++turn) co_await Pause{};
  cause();
  DelayedCall timer;
  if (when.by_timer) timer = Reactor::current().call_later(Duration::zero(), [&] { other.set(); });
  co_await turns(when.after);
  if (!when.by_timer) other.set();
  co_await turns(5);
}

Task<> race_a_reader(const Reader& reader, Moment when) {
  Ends ends = unix_ends();
  Event other;
  std::function<void()> sends = [&] {
    CHECK(ends.far.transport().try_write(reader.sent) == reader.sent.size());
  };
  Spawned<void> sets = spawn(set_off, when, std::move(sends), std::ref(other));
  std::string got;
  Task<std::string> read = reader.read(ends.near);

  auto won = co_await race(std::move(read), other);
  if (won.index() == 0) got = std::get<0>(won);
  co_await std::move(sets);
  ends.far.close();
  got += co_await ends.near.read_to_end();

  CHECK(got == reader.sent);
}

// Raced itself: a task around it would have its bytes when it hears that it has lost.
Task<> race_read_some(Moment when) {
  Ends ends = unix_ends();
  Event other;
  std::function<void()> sends = [&] { CHECK(ends.far.transport().try_write("hello") == 5); };
  Spawned<void> sets = spawn(set_off, when, std::move(sends), std::ref(other));
  std::array<char, 5> room{};
  std::string got;

  auto won = co_await race(ends.near.read_some(room), other);
  if (won.index() == 0) got.assign(room.data(), std::get<0>(won));
  co_await std::move(sets);
  ends.far.close();
  got += co_await ends.near.read_to_end();

  CHECK(got == "hello");
}

TEST_CASE("who loses a race after his bytes have come leaves them to the next") {
  for (const Reader& reader : readers) {
    for (const Moment when : moments) {
      CAPTURE(reader.name);
      CAPTURE(when.after);
      CAPTURE(when.by_timer);
      const Unhandled unhandled;
      Reactor reactor;
      reactor.run_until(race_a_reader(reader, when));
    }
  }
}

TEST_CASE("a read_some that loses a race after its bytes have come leaves them to the next") {
  for (const Moment when : moments) {
    CAPTURE(when.after);
    CAPTURE(when.by_timer);
    const Unhandled unhandled;
    Reactor reactor;
    reactor.run_until(race_read_some(when));
  }
}

Task<> race_to_the_end(Moment when) {
  Ends ends = unix_ends();
  Event other;
  co_await ends.far.write_all("hello");
  std::function<void()> closes = [&] { ends.far.close(); };
  Spawned<void> sets = spawn(set_off, when, std::move(closes), std::ref(other));
  std::string got;

  auto won = co_await race(ends.near.read_to_end(), other);
  if (won.index() == 0) got = std::get<0>(won);
  co_await std::move(sets);
  got += co_await ends.near.read_to_end();

  CHECK(got == "hello");
}

TEST_CASE("a read_to_end that loses a race when the end has come leaves what it has read") {
  for (const Moment when : moments) {
    CAPTURE(when.after);
    CAPTURE(when.by_timer);
    const Unhandled unhandled;
    Reactor reactor;
    reactor.run_until(race_to_the_end(when));
  }
}

Task<> race_an_accept(Moment when) {
  io::Listener listener = io::listen("127.0.0.1", 0);
  Event other;
  std::optional<Spawned<Stream>> caller;
  std::function<void()> calls = [&] { caller = spawn(io::connect("127.0.0.1", listener.port())); };
  Spawned<void> sets = spawn(set_off, when, std::move(calls), std::ref(other));
  Stream accepted;

  auto won = co_await race(listener.accept(), other);
  if (won.index() == 0) accepted = std::move(std::get<0>(won));
  co_await std::move(sets);
  Stream near = co_await *std::move(caller);
  if (!accepted.is_open()) {
    accepted = co_await with_timeout(std::chrono::seconds(20), listener.accept());
  }

  CHECK(accepted.peer() == near.local());
}

TEST_CASE("who loses a race when somebody has connected leaves him to the next who accepts") {
  for (const Moment when : moments) {
    CAPTURE(when.after);
    CAPTURE(when.by_timer);
    const Unhandled unhandled;
    Reactor reactor;
    reactor.run_until(race_an_accept(when));
  }
}

}  // namespace
