// SPDX-License-Identifier: MIT
#include "deferred/io/stream.hpp"

#include <array>
#include <stdexcept>
#include <vector>

#include "reactors/poll.hpp"
#include "reactors/virtual_time.hpp"
#include "tests/io/loopback.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::Errc;
using io::Stream;

namespace {

Task<std::string> read_text(Stream& stream, std::size_t at_most = 1000) {
  std::string text(at_most, ' ');
  const std::size_t got = co_await stream.read_some(text);
  text.resize(got);
  co_return text;
}

Task<std::string> read_until_end(Stream& stream, std::size_t buffer_size) {
  std::string all;
  while (true) {
    const std::string piece = co_await read_text(stream, buffer_size);
    if (piece.empty()) co_return all;
    all += piece;
  }
}

Task<void> write_in_pieces(Stream& stream, std::string_view text, std::size_t piece) {
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
    co_await stream.write_all(text.substr(0, piece));
    co_await Pause{};
  }
  co_await stream.shutdown_write();
}

// Writes until the peer's and its own buffers are full: forever, if nobody reads.
Task<void> write_forever(Stream& stream, std::size_t& written) {
  const std::string chunk = pattern(1 << 16);
  while (true) {
    co_await stream.write_all(chunk);
    written += chunk.size();
  }
}

// A backend that counts what it is asked to watch.
class Counting final : public Backend {
 public:
  Counting() { inner_->drive(&passed_on_); }
  TimePoint now() noexcept override { return inner_->now(); }
  void arm(TimePoint deadline) noexcept override { inner_->arm(deadline); }
  void wake() noexcept override { inner_->wake(); }
  void watch(int fd, Ready interest, IoHandler& handler) override {
    ++changes;
    inner_->watch(fd, interest, handler);
  }
  void rewatch(int fd, Ready interest) override {
    ++changes;
    inner_->rewatch(fd, interest);
  }
  void unwatch(int fd) noexcept override {
    ++changes;
    inner_->unwatch(fd);
  }
  void run_once(bool block) override {
    ++polls;
    inner_->run_once(block);
  }

  int changes = 0;
  int polls = 0;

 private:
  struct PassedOn final : Turn {
    explicit PassedOn(Counting& to) : counting(to) {}
    void turn() noexcept override { counting.turn(); }
    Counting& counting;
  };
  PassedOn passed_on_{*this};
  std::unique_ptr<Backend> inner_ = reactors::poll();
};

}  // namespace

TEST_CASE("what is written in any pieces is read in any pieces, in order and whole") {
  run([](Reactor& reactor) -> Task<void> {
    const std::string text = pattern(300);
    for (const std::size_t written : {1, 2, 3, 7, 64, 299, 300}) {
      for (const std::size_t read : {1, 2, 5, 64, 1000}) {
        Ends ends = co_await connected(reactor);
        spawn(reactor, write_in_pieces(ends.near, text, written));

        const std::string got = co_await read_until_end(ends.far, read);

        CAPTURE(written);
        CAPTURE(read);
        CHECK(got == text);
      }
    }
  });
}

TEST_CASE("read_some gives what is there and does not wait for a full buffer") {
  run([](Reactor& reactor) -> Task<void> {
    Ends ends = co_await connected(reactor);
    co_await ends.near.write_all("hello");

    const std::string got = co_await read_text(ends.far);

    CHECK(got == "hello");
  });
}

TEST_CASE("the end of what the peer sends is 0, however often it is read") {
  run([](Reactor& reactor) -> Task<void> {
    Ends ends = co_await connected(reactor);
    ends.near.close();

    std::array<char, 8> buffer;
    const std::size_t first = co_await ends.far.read_some(buffer);
    const std::size_t second = co_await ends.far.read_some(buffer);

    CHECK(first == 0);
    CHECK(second == 0);
  });
}

TEST_CASE("read_some with an empty buffer is refused, for its 0 would look like the end") {
  run([](Reactor& reactor) -> Task<void> {
    Ends ends = co_await connected(reactor);

    const auto got = co_await as_outcome(ends.far.read_some(std::span<char>()));

    CHECK(got.check<std::invalid_argument>());
  });
}

TEST_CASE("read_to_end gives all that the peer sends, nothing included") {
  run([](Reactor& reactor) -> Task<void> {
    for (const std::size_t size : {0, 1, 65'536, 1'000'000}) {
      Ends ends = co_await connected(reactor);
      const std::string text = pattern(size);
      spawn(reactor, write_in_pieces(ends.near, text, 100'000));

      const std::string got = co_await ends.far.read_to_end();

      CHECK(got == text);
    }
  });
}

TEST_CASE("read_to_end takes as much as its limit, and no more") {
  run([](Reactor& reactor) -> Task<void> {
    for (const std::size_t limit : {0, 1, 5, 6, 100}) {
      Ends ends = co_await connected(reactor);
      co_await ends.near.write_all("hello");
      co_await ends.near.shutdown_write();

      const auto got = co_await as_outcome(ends.far.read_to_end(limit));

      CAPTURE(limit);
      CHECK(got.has_value() == (limit >= 5));
      if (limit < 5) {
        CHECK(failed_with(got, Errc::too_long));
        CHECK(what(got) == "read from " + ends.far.peer() + ", at most " + std::to_string(limit) +
                               " bytes: more came than the limit allows");
        const std::string rest = co_await ends.far.read_to_end();
        CHECK(rest == "hello");
      }
    }
  });
}

TEST_CASE("write_all waits while the peer does not read, and is done when all is taken") {
  run([](Reactor& reactor) -> Task<void> {
    Ends ends = co_await connected(reactor);
    const std::string text = pattern(32 << 20);
    Spawned<void> writer = spawn(reactor, ends.near.write_all(text));
    co_await turns(50);
    CHECK_FALSE(writer.done());
    std::string got(text.size(), ' ');
    std::size_t size = 0;

    while (size < got.size()) {
      size += co_await ends.far.read_some(std::span<char>(got).subspan(size));
    }
    co_await std::move(writer);

    CHECK(got == text);
  });
}

TEST_CASE("a writer whose peer does not read is cancelled at once") {
  run([](Reactor& reactor) -> Task<void> {
    Ends ends = co_await connected(reactor);
    std::size_t written = 0;
    Spawned<void> writer = spawn(reactor, write_forever(ends.near, written));
    co_await turns(200);
    const std::size_t before = written;

    writer.task().cancel();
    co_await turns(1);

    CHECK(writer.done());
    CHECK(written == before);
    std::move(writer).detach();
  });
}

TEST_CASE("after shutdown_write the peer reads the end, and can still write") {
  run([](Reactor& reactor) -> Task<void> {
    Ends ends = co_await connected(reactor);
    co_await ends.near.write_all("ask");

    co_await ends.near.shutdown_write();

    const std::string asked = co_await ends.far.read_to_end();
    CHECK(asked == "ask");
    co_await ends.far.write_all("answer");
    ends.far.close();
    const std::string answered = co_await ends.near.read_to_end();
    CHECK(answered == "answer");
  });
}

TEST_CASE("writing after shutdown_write is an error that names the peer, not a signal") {
  run([](Reactor& reactor) -> Task<void> {
    Ends ends = co_await connected(reactor);
    co_await ends.near.shutdown_write();

    const auto written = co_await as_outcome(ends.near.write_all("x"));

    CHECK(what(written) == "write to " + ends.near.peer() + ": Broken pipe");
  });
}

TEST_CASE("a reset is an error that names the peer, for a reader that waits") {
  run([](Reactor& reactor) -> Task<void> {
    Ends ends = co_await connected(reactor);
    Spawned<std::string> reader = spawn(reactor, read_text(ends.near));
    co_await turns(2);

    reset(ends.far);

    const auto got = co_await as_outcome(std::move(reader));
    CHECK(what(got) == "read from " + ends.near.peer() + ": Connection reset by peer");
  });
}

TEST_CASE("a reset is an error that names the peer, for a writer that waits") {
  run([](Reactor& reactor) -> Task<void> {
    Ends ends = co_await connected(reactor);
    std::size_t written = 0;
    Spawned<void> writer = spawn(reactor, write_forever(ends.near, written));
    co_await turns(200);

    reset(ends.far);

    const auto got = co_await as_outcome(std::move(writer));
    CHECK(what(got) == "write to " + ends.near.peer() + ": Connection reset by peer");
  });
}

TEST_CASE("writing to a peer that is gone is an error each time and never a signal") {
  run([](Reactor& reactor) -> Task<void> {
    Ends ends = co_await connected(reactor);
    reset(ends.far);

    const auto first = co_await as_outcome(ends.near.write_all("x"));
    const auto second = co_await as_outcome(ends.near.write_all("x"));

    CHECK(failed_with(first, std::errc::connection_reset));
    CHECK(failed_with(second, std::errc::connection_reset));
  });
}

TEST_CASE("a reset is told to the reader too, behind what came before, and stays") {
  run([](Reactor& reactor) -> Task<void> {
    for (const bool writes_first : {false, true}) {
      Ends ends = co_await connected(reactor);
      co_await ends.far.write_all("a beginning");
      reset(ends.far);
      co_await turns(2);
      char room[100];

      if (writes_first) {
        const auto written = co_await as_outcome(ends.near.write_all("x"));
        CHECK(failed_with(written, std::errc::connection_reset));
      }
      const auto beginning = co_await as_outcome(ends.near.read_some(room));
      const auto reset_then = co_await as_outcome(ends.near.read_some(room));
      const auto and_after = co_await as_outcome(ends.near.read_some(room));

      CAPTURE(writes_first);
      CHECK((beginning.has_value() ? *beginning : 0) == 11);
      CHECK(failed_with(reset_then, std::errc::connection_reset));
      CHECK(failed_with(and_after, std::errc::connection_reset));
    }
  });
}

TEST_CASE("what came before a reset at any byte is either read or the reset is reported") {
  run([](Reactor& reactor) -> Task<void> {
    for (std::size_t sent = 0; sent <= 64; ++sent) {
      Ends ends = co_await connected(reactor);
      co_await ends.near.write_all(pattern(sent));
      reset(ends.near);

      const auto got = co_await as_outcome(ends.far.read_to_end());

      CHECK(failed_with(got, std::errc::connection_reset));
    }
  });
}

TEST_CASE("closing a stream ends the read that waits on it") {
  run([](Reactor& reactor) -> Task<void> {
    Ends ends = co_await connected(reactor);
    Spawned<std::string> reader = spawn(reactor, read_text(ends.near));
    co_await turns(2);

    ends.near.close();

    const auto got = co_await as_outcome(std::move(reader));
    CHECK(failed_with(got, Errc::closed));
    CHECK(what(got) == "read from " + ends.near.peer() + ": it was closed on this side");
  });
}

TEST_CASE("dropping a stream ends the write and the read_to_end that wait on it") {
  run([](Reactor& reactor) -> Task<void> {
    Ends ends = co_await connected(reactor);
    const std::string much = pattern(64 << 20);
    Spawned<void> writer = spawn(reactor, ends.near.write_all(much));
    Spawned<std::string> reader = spawn(reactor, ends.near.read_to_end());
    co_await turns(100);

    ends.near = Stream();

    const auto written = co_await as_outcome(std::move(writer));
    const auto read = co_await as_outcome(std::move(reader));
    CHECK(failed_with(written, Errc::closed));
    CHECK(failed_with(read, Errc::closed));
  });
}

TEST_CASE("a stream that is moved while a task reads goes on being read") {
  run([](Reactor& reactor) -> Task<void> {
    Ends ends = co_await connected(reactor);
    std::array<char, 8> buffer;
    Spawned<std::size_t> reader = spawn(reactor, ends.near.read_some(buffer));
    co_await turns(2);

    const Stream moved = std::move(ends.near);
    co_await ends.far.write_all("abc");

    const std::size_t got = co_await std::move(reader);
    CHECK(got == 3);
  });
}

TEST_CASE("a stream that is closed, moved from or without a connection says so") {
  run([](Reactor& reactor) -> Task<void> {
    Ends ends = co_await connected(reactor);
    const std::string peer = ends.near.peer();
    ends.near.close();
    ends.near.close();
    Stream none;

    const auto of_closed = co_await as_outcome(ends.near.write_all("x"));
    const auto of_none = co_await as_outcome(none.read_to_end());

    CHECK(what(of_closed) == "write to " + peer + ": it was closed on this side");
    CHECK(failed_with(of_none, Errc::closed));
    const auto shut = co_await as_outcome(none.shutdown_write());
    CHECK(failed_with(shut, Errc::closed));
    CHECK_THROWS_AS(static_cast<void>(none.reactor()), std::system_error);
    CHECK_FALSE(ends.near.is_open());
    CHECK(ends.near.peer() == peer);
    CHECK(none.peer().empty());
  });
}

TEST_CASE("a second reader is told that there is one, who goes on undisturbed") {
  run([](Reactor& reactor) -> Task<void> {
    Ends ends = co_await connected(reactor);
    Spawned<std::string> first = spawn(reactor, read_text(ends.near));
    co_await turns(2);

    const auto second = co_await as_outcome(ends.near.read_to_end());

    CHECK(failed_with(second, Errc::busy));
    CHECK(what(second) == "read from " + ends.near.peer() + ": another task is doing that already");
    co_await ends.far.write_all("for the first");
    const std::string got = co_await std::move(first);
    CHECK(got == "for the first");
  });
}

TEST_CASE("a second writer, and a shutdown between the bytes of the first, are refused") {
  run([](Reactor& reactor) -> Task<void> {
    Ends ends = co_await connected(reactor);
    const std::string text = pattern(16 << 20);
    Spawned<void> first = spawn(reactor, ends.near.write_all(text));
    co_await turns(50);

    const auto second = co_await as_outcome(ends.near.write_all("x"));

    CHECK(failed_with(second, Errc::busy));
    const auto shut = co_await as_outcome(ends.near.shutdown_write());
    CHECK(failed_with(shut, Errc::busy));
    std::string got(text.size(), ' ');
    for (std::size_t size = 0; size < got.size();) {
      size += co_await ends.far.read_some(std::span<char>(got).subspan(size));
    }
    co_await std::move(first);
    co_await ends.near.shutdown_write();
    CHECK(got == text);
  });
}

TEST_CASE("one task reads while another writes the same stream") {
  run([](Reactor& reactor) -> Task<void> {
    Ends ends = co_await connected(reactor);
    const std::string there = pattern(4 << 20);
    const std::string back = pattern(3 << 20);
    spawn(reactor, write_in_pieces(ends.near, there, 1 << 20));
    spawn(reactor, write_in_pieces(ends.far, back, 1 << 20));
    Spawned<std::string> far_reader = spawn(reactor, ends.far.read_to_end());

    const std::string near_got = co_await ends.near.read_to_end();
    const std::string far_got = co_await std::move(far_reader);

    CHECK(near_got == back);
    CHECK(far_got == there);
  });
}

TEST_CASE("a reader that is cancelled while it waits takes no byte with it") {
  run([](Reactor& reactor) -> Task<void> {
    Ends ends = co_await connected(reactor);
    Spawned<std::string> reader = spawn(reactor, read_text(ends.near));
    co_await turns(2);
    co_await ends.far.write_all("abc");

    reader.task().cancel();

    const auto cancelled = co_await as_outcome(std::move(reader));
    CHECK(cancelled.check<Cancelled>());
    const std::string got = co_await read_text(ends.near);
    CHECK(got == "abc");
  });
}

TEST_CASE("a read and a write of a task that is cancelled throw, also where they need not wait") {
  run([](Reactor& reactor) -> Task<void> {
    Ends ends = co_await connected(reactor);
    co_await ends.far.write_all("abc");
    co_await turns(2);
    Spawned<std::string> reader = spawn(reactor, read_text(ends.near));
    Spawned<void> writer = spawn(reactor, ends.near.write_all("xyz"));
    reader.task().cancel();  // before its first turn
    writer.task().cancel();

    const auto read = co_await as_outcome(std::move(reader));
    const auto written = co_await as_outcome(std::move(writer));

    CHECK(read.check<Cancelled>());
    CHECK(written.check<Cancelled>());
    const std::string got = co_await read_text(ends.near);
    CHECK(got == "abc");
  });
}

// The read was made for the reader that had gone.
TEST_CASE("a reader that is cancelled when its bytes have been reported takes none with it") {
  run([](Reactor& reactor) -> Task<void> {
    Ends ends = co_await connected(reactor);
    Spawned<std::string> reader = spawn(reactor, read_text(ends.near));
    co_await turns(2);
    Ends other = co_await connected(reactor);
    TaskRef task = reader.task();
    Watch watch;
    // poll(2) is asked last to first: this one is told before the reader.
    watch = reactor.watch(other.near.transport().descriptor(), Ready::read, [&watch, &task] {
      watch = Watch();
      task.cancel();
    });
    co_await other.far.write_all("now");
    co_await ends.far.write_all("abc");

    const auto cancelled = co_await as_outcome(std::move(reader));

    CHECK(cancelled.check<Cancelled>());
    const std::string got = co_await read_text(ends.near);
    CHECK(got == "abc");
  });
}

TEST_CASE("every byte comes exactly once when readers are cancelled in any turn") {
  run([](Reactor& reactor) -> Task<void> {
    for (int turn = 1; turn < 8; ++turn) {
      Ends ends = co_await connected(reactor);
      const std::string text = pattern(200);
      spawn(reactor, write_in_pieces(ends.far, text, 9));
      std::string all;
      bool at_end = false;

      while (!at_end) {
        Spawned<std::string> reader = spawn(reactor, read_text(ends.near, 4));
        co_await turns(turn);
        reader.task().cancel();
        const auto got = co_await as_outcome(std::move(reader));
        if (got.has_value()) all += *got;
        at_end = got.has_value() && got->empty();
      }

      CAPTURE(turn);
      CHECK(all == text);
    }
  });
}

TEST_CASE("a cancelled read_to_end leaves what it had collected to the next reader") {
  run([](Reactor& reactor) -> Task<void> {
    Ends ends = co_await connected(reactor);
    Spawned<std::string> reader = spawn(reactor, ends.near.read_to_end());
    co_await ends.far.write_all("the first half, ");
    co_await turns(5);

    reader.task().cancel();

    const auto cancelled = co_await as_outcome(std::move(reader));
    CHECK(cancelled.check<Cancelled>());
    co_await ends.far.write_all("the second");
    ends.far.close();
    const std::string first = co_await read_text(ends.near, 4);
    const std::string rest = co_await ends.near.read_to_end();
    CHECK(first == "the ");
    CHECK(rest == "first half, the second");
  });
}

TEST_CASE("a reader that is closed while it waits frees the stream for another") {
  run([](Reactor& reactor) -> Task<void> {
    Ends ends = co_await connected(reactor);
    Spawned<std::string> reader = spawn(reactor, read_text(ends.near));
    co_await turns(2);

    reader.task().close();
    std::move(reader).detach();

    co_await ends.far.write_all("abc");
    const std::string got = co_await read_text(ends.near);
    CHECK(got == "abc");
  });
}

TEST_CASE("with_timeout limits a read to the exact time and leaves the stream usable") {
  reactors::VirtualTime time;
  Reactor reactor{time};
  run_on(reactor, [](Reactor& here) -> Task<void> {
    Ends ends = co_await connected(here);
    const TimePoint before = here.now();

    const auto got = co_await as_outcome(with_timeout(5s, read_text(ends.near)));

    CHECK(got.check<TimeoutError>());
    CHECK(here.now() - before == 5s);
    co_await ends.far.write_all("late");
    const std::string late = co_await read_text(ends.near);
    CHECK(late == "late");
  });
}

TEST_CASE("with_timeout limits a write that the peer does not read") {
  reactors::VirtualTime time;
  Reactor reactor{time};
  run_on(reactor, [](Reactor& here) -> Task<void> {
    Ends ends = co_await connected(here);
    std::size_t written = 0;

    const auto got = co_await as_outcome(with_timeout(5s, write_forever(ends.near, written)));

    CHECK(got.check<TimeoutError>());
  });
}

TEST_CASE("a ping-pong of two tasks asks the backend to watch each end once") {
  Counting backend;
  Reactor reactor{backend};
  run_on(reactor, [&backend](Reactor& here) -> Task<void> {
    Ends ends = co_await connected(here);
    auto echo = [&ends]() -> Task<void> {
      while (true) {
        const std::string ball = co_await read_text(ends.far);
        if (ball.empty()) co_return;
        co_await ends.far.write_all(ball);
      }
    };
    spawn(here, echo);
    const int before = backend.changes;

    for (int i = 0; i < 100; ++i) {
      co_await ends.near.write_all("ball");
      const std::string ball = co_await read_text(ends.near);
      CHECK(ball == "ball");
    }

    CHECK(backend.changes - before == 2);
    ends.near.close();
    co_await turns(3);
  });
}

TEST_CASE("data that nobody reads does not keep the reactor awake") {
  Counting backend;
  Reactor reactor{backend};
  run_on(reactor, [&backend](Reactor& here) -> Task<void> {
    Ends ends = co_await connected(here);
    Spawned<std::string> reader = spawn(here, read_text(ends.near, 1));
    co_await turns(2);
    co_await ends.far.write_all("more than is read");
    co_await std::move(reader);
    co_await turns(2);
    const int before = backend.polls;

    co_await Pause{20ms};

    CHECK(backend.polls - before <= 3);
    const std::string rest = co_await read_text(ends.near);
    CHECK(rest == "ore than is read");
  });
}

TEST_CASE("a task that never has to wait for its stream lets others run all the same") {
  run([](Reactor& reactor) -> Task<void> {
    Ends ends = co_await connected(reactor);
    const std::string text = pattern(100'000);
    co_await ends.near.write_all(text);
    auto read_bytes = [&ends]() -> Task<void> {
      for (int i = 0; i < 50'000; ++i) co_await read_text(ends.far, 1);
    };
    Spawned<void> reader = spawn(reactor, read_bytes);

    co_await turns(10);

    CHECK_FALSE(reader.done());
    co_await std::move(reader);
  });
}

TEST_CASE("buffered bytes stay until they are consumed, and are read before those that follow") {
  run([](Reactor& reactor) -> Task<void> {
    Ends ends = co_await connected(reactor);
    co_await ends.far.write_all("one two");
    const bool first = co_await ends.near.read_more();
    CHECK(first);
    CHECK(ends.near.buffered() == "one two");

    ends.near.consume(4);
    CHECK(ends.near.buffered() == "two");
    co_await ends.far.write_all(" three");
    ends.far.close();
    const bool second = co_await ends.near.read_more();
    const bool third = co_await ends.near.read_more();

    CHECK(second);
    CHECK_FALSE(third);
    CHECK(ends.near.buffered() == "two three");
    const std::string all = co_await ends.near.read_to_end();
    CHECK(all == "two three");
  });
}

TEST_CASE("both ends know each other's address") {
  run([](Reactor& reactor) -> Task<void> {
    const Ends ends = co_await connected(reactor);

    CHECK(ends.near.peer() == ends.far.local());
    CHECK(ends.far.peer() == ends.near.local());
    CHECK(ends.near.peer().starts_with("127.0.0.1:"));
    CHECK(&ends.near.reactor() == &reactor);
  });
}

TEST_CASE("a stream is refused on another reactor than its own") {
  Reactor own;
  Reactor other;
  std::optional<Ends> ends;
  run_on(own,
         [&ends](Reactor& reactor) -> Task<void> { ends.emplace(co_await connected(reactor)); });

  run_on(other, [&ends](Reactor&) -> Task<void> {
    const auto got = co_await as_outcome(read_text(ends->near));

    CHECK(got.check<std::logic_error>());
  });
}

TEST_CASE("a stream may outlive its reactor, and be read meanwhile") {
  const Unhandled unhandled;
  const auto before = open_descriptors();
  {
    std::optional<Ends> ends;
    {
      Reactor reactor;
      run_on(reactor, [&ends](Reactor& here) -> Task<void> {
        ends.emplace(co_await connected(here));
        spawn(here, read_text(ends->near));
        co_await turns(2);
      });
    }

    CHECK(ends->near.is_open());
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("a connection of IPv6 works as one of IPv4") {
  run([](Reactor& reactor) -> Task<void> {
    if (!has_ipv6(reactor)) co_return;
    Ends ends = co_await connected(reactor, "::1");
    co_await ends.near.write_all("six");
    co_await ends.near.shutdown_write();

    const std::string got = co_await ends.far.read_to_end();

    CHECK(got == "six");
    CHECK(ends.near.peer().starts_with("[::1]:"));
    CHECK(ends.near.peer() == ends.far.local());
  });
}
