// SPDX-License-Identifier: MIT
// How a Stream's reading, writing and life end, and what the peer sees of it.
#include <doctest/doctest.h>

#include <array>
#include <optional>
#include <string>

#include "deferred/io/stream.hpp"
#include "deferred/yieldables/to_deferred.hpp"
#include "reactors/virtual_time.hpp"
#include "tests/io/loopback.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::Errc;
using io::Stream;

namespace {

Task<std::string> read_until_end(Stream& stream) {
  const std::string text = co_await stream.read_to_end();
  co_return text;
}

}  // namespace

TEST_CASE("read_exactly fills its buffer, however the bytes come, and leaves what follows") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    std::string got(6, ' ');
    std::string rest(3, ' ');
    Spawned<void> reader = spawn(reactor, ends.near.read_exactly(got));

    for (const char* piece : {"ab", "c", "defgh", "i"}) {
      co_await ends.far.write_all(piece);
      co_await turns(3);
    }
    co_await std::move(reader);
    co_await ends.near.read_exactly(rest);

    CHECK(got == "abcdef");
    CHECK(rest == "ghi");
  });
}

TEST_CASE("read_exactly of a peer that ends before is an error, and what came is read next") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    co_await ends.far.write_all("abc");
    co_await ends.far.shutdown_write();
    std::string room(6, ' ');

    const auto short_of = co_await as_outcome(ends.near.read_exactly(room));
    const std::string rest = co_await ends.near.read_to_end();

    CHECK(failed_with(short_of, Errc::ended));
    CHECK(what(short_of) ==
          "read from " + ends.near.peer() + ": the peer closed before all had come");
    CHECK(rest == "abc");
  });
}

TEST_CASE("read_exactly that is cut has lost no byte") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    std::string room(6, ' ');
    Spawned<void> cut = spawn(reactor, ends.near.read_exactly(room));
    co_await ends.far.write_all("abcd");
    co_await turns(3);

    cut.task().close();
    std::move(cut).detach();
    co_await ends.far.write_all("efgh");
    std::string got(8, ' ');
    co_await ends.near.read_exactly(got);

    CHECK(got == "abcdefgh");
  });
}

TEST_CASE("read_exactly of nothing is done at once, without a byte") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);

    co_await ends.near.read_exactly({});

    CHECK(ends.near.bytes_read() == 0);
  });
}

TEST_CASE("abort tells the peer that it is an error, and ends the waits on this side") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    Spawned<std::string> reader = spawn(reactor, ends.near.read_to_end());
    co_await turns(2);

    ends.near.abort();
    const auto here = co_await as_outcome(std::move(reader));
    const auto there = co_await as_outcome(ends.far.read_to_end());

    CHECK(failed_with(here, Errc::closed));
    CHECK(failed_with(there, std::errc::connection_reset));
    CHECK_FALSE(ends.near.is_open());
  });
}

TEST_CASE(
    "closing with bytes unread may cost the peer the last answer, and linger_close does not") {
  run([](Reactor& reactor) -> Task<> {
    for (const bool linger : {false, true}) {
      Ends ends = co_await connected(reactor);
      co_await ends.far.write_all(pattern(30000));
      co_await turns(2);
      co_await ends.near.write_all("431 too much");

      std::optional<Spawned<void>> ending;
      if (linger) {
        ending = spawn(reactor, io::linger_close(ends.near));
      } else {
        ends.near.close();
      }
      co_await turns(5);
      const auto answer = co_await as_outcome(read_until_end(ends.far));
      ends.far.close();
      if (ending) co_await *std::move(ending);

      CAPTURE(linger);
      CHECK(answer.has_value() == linger);
      CHECK((linger ? *answer : "") == (linger ? "431 too much" : ""));
      CHECK_FALSE(ends.near.is_open());
    }
  });
}

TEST_CASE("linger_close reads no more than it is told, and no longer") {
  reactors::VirtualTime time;
  Reactor reactor{time};
  run_on(reactor, [](Reactor& here) -> Task<> {
    Ends silent = co_await connected(here);
    const TimePoint before = here.now();
    co_await io::linger_close(silent.near);
    CHECK(here.now() - before == 2s);
    CHECK_FALSE(silent.near.is_open());

    Ends talks = co_await connected(here);
    const TimePoint start = here.now();
    co_await talks.far.write_all(pattern(100'000));
    co_await io::linger_close(talks.near, 50'000);
    CHECK(here.now() == start);
    CHECK_FALSE(talks.near.is_open());
  });
}

TEST_CASE("a callback of a read may read again, and close the stream that it read") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    char room[10];
    std::size_t all = 0;
    Deferred<void> done = to_deferred(ends.near.read_some(room))
                              .add_callback([&](std::size_t got) {
                                all += got;
                                return to_deferred(ends.near.read_some(room));
                              })
                              .add_callback([&](std::size_t got) {
                                all += got;
                                ends.near = Stream();
                              });

    co_await ends.far.write_all("one");
    co_await turns(3);
    co_await ends.far.write_all("three");
    co_await std::move(done);

    CHECK(all == 8);
  });
}

TEST_CASE("a callback that is told of the close may close again, and drop the stream") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    std::optional<Stream> stream = std::move(ends.near);
    char room[10];
    bool told = false;
    Deferred<void> done = to_deferred(stream->read_some(room))
                              .add_callback([](std::size_t) {})
                              .add_errback([&](const std::system_error& error) {
                                told = error.code() == Errc::closed;
                                stream->close();
                                stream.reset();
                              });
    co_await turns(2);

    stream->close();
    co_await std::move(done);

    CHECK(told);
    CHECK_FALSE(stream);
  });
}

TEST_CASE("linger_close that is cancelled closes at once") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    Spawned<void> ending = spawn(reactor, io::linger_close(ends.near));
    co_await turns(2);
    CHECK(ends.near.is_open());

    ending.task().cancel();
    const auto outcome = co_await as_outcome(std::move(ending));

    CHECK(outcome.check<Cancelled>());
    CHECK_FALSE(ends.near.is_open());
  });
}
