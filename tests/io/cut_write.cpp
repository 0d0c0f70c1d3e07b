// SPDX-License-Identifier: MIT
// What is left of a write that was cut, and of one that can be taken up again.
#include <doctest/doctest.h>

#include <string>

#include "deferred/io/stream.hpp"
#include "deferred/tasks/cancel_scope.hpp"
#include "reactors/virtual_time.hpp"
#include "tests/io/loopback.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::Errc;
using io::Stream;

namespace {

/// Virtual time: a limit passes as soon as nothing goes on.
template <class F>
void run_in_virtual_time(F body) {
  reactors::VirtualTime time;
  Reactor reactor{time};
  run_on(reactor, std::move(body));
}

/// Writes until the peer's and its own buffers are full.
Task<> fill(Stream& stream) {
  const std::string chunk = pattern(1 << 16);
  while (true) {
    const auto taken = co_await move_on_after(1s, stream.write_some(chunk));
    if (!taken) co_return;
  }
}

Task<> drain(Stream& stream) {
  std::string room(1 << 20, ' ');
  while (true) {
    const auto got = co_await move_on_after(1s, stream.read_some(room));
    if (!got) co_return;
  }
}

const std::string large = pattern(64 << 20);

}  // namespace

TEST_CASE(
    "after a write_all that was cut in its middle, writing is refused and tells how much went") {
  run_in_virtual_time([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);

    const auto cut = co_await as_outcome(with_timeout(1s, ends.near.write_all(large)));
    const auto after = co_await as_outcome(ends.near.write_all("x"));
    const auto some = co_await as_outcome(ends.near.write_some("x"));
    const auto shut = co_await as_outcome(ends.near.shutdown_write());

    const std::string went = std::to_string(ends.near.bytes_written());
    const std::string of = std::to_string(large.size());
    const std::string why = ": an earlier write was cut after " + went + " of " + of +
                            " bytes: an earlier write was cut";
    CHECK(cut.check<TimeoutError>());
    CHECK(failed_with(after, Errc::cut_write));
    CHECK(what(after) == "write to " + ends.near.peer() + why);
    CHECK(what(some) == "write to " + ends.near.peer() + why);
    CHECK(what(shut) == "shut down writing to " + ends.near.peer() + why);
  });
}

TEST_CASE("after a write_all that was cut, reading goes on") {
  run_in_virtual_time([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    const auto cut = co_await as_outcome(with_timeout(1s, ends.near.write_all(large)));
    CHECK_FALSE(cut.has_value());

    co_await ends.far.write_all("an answer");
    std::string got(9, ' ');
    co_await ends.near.read_exactly(got);

    CHECK(got == "an answer");
  });
}

TEST_CASE("a write_all that was cut before a byte went has done nothing") {
  run_in_virtual_time([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    co_await fill(ends.near);
    const auto written = ends.near.bytes_written();

    const auto cut = co_await as_outcome(with_timeout(1s, ends.near.write_all("message")));
    CHECK(cut.check<TimeoutError>());
    CHECK(ends.near.bytes_written() == written);
    co_await drain(ends.far);
    co_await ends.near.write_all("the next");

    std::string got(8, ' ');
    co_await ends.far.read_exactly(got);
    CHECK(got == "the next");
  });
}

TEST_CASE("a write_some that was cut has written nothing, and the next goes on") {
  run_in_virtual_time([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    co_await fill(ends.near);
    const auto written = ends.near.bytes_written();

    const auto cut = co_await as_outcome(with_timeout(1s, ends.near.write_some("message")));
    CHECK(cut.check<TimeoutError>());
    CHECK(ends.near.bytes_written() == written);
    co_await drain(ends.far);
    const std::size_t taken = co_await ends.near.write_some("message");

    CHECK(taken == 7);
  });
}

TEST_CASE("write_some gives how much was taken, at least a byte, and nothing of nothing") {
  run_in_virtual_time([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    std::size_t all = 0;

    while (true) {
      const auto taken =
          co_await move_on_after(1s, ends.near.write_some(std::string_view(large).substr(all)));
      if (!taken) break;
      CHECK(*taken >= 1);
      all += *taken;
    }
    const std::size_t none = co_await ends.near.write_some("");

    CHECK(none == 0);
    CHECK(all == ends.near.bytes_written());
    std::string got(all, ' ');
    co_await ends.far.read_exactly(got);
    CHECK(got == large.substr(0, all));
    CHECK(ends.far.bytes_read() == all);
  });
}

TEST_CASE("a task that is closed while it writes leaves the same as one that is cancelled") {
  run_in_virtual_time([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    Spawned<void> writer = spawn(reactor, ends.near.write_all(large));
    co_await turns(20);

    writer.task().close();
    std::move(writer).detach();
    const auto after = co_await as_outcome(ends.near.write_all("x"));

    CHECK(failed_with(after, Errc::cut_write));
  });
}

TEST_CASE("a write_all that has taken all when it is cancelled is no cut") {
  run_in_virtual_time([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    const auto write = [](Stream& stream) -> Task<> { co_await stream.write_all("whole"); };
    Spawned<void> writer = spawn(reactor, write, std::ref(ends.near));
    co_await turns(1);

    writer.task().cancel();
    const auto outcome = co_await as_outcome(std::move(writer));
    co_await ends.near.write_all(", and more");

    CHECK(outcome.has_value());
    std::string got(15, ' ');
    co_await ends.far.read_exactly(got);
    CHECK(got == "whole, and more");
  });
}

TEST_CASE("a write that the peer's end has broken in its middle is cut as well") {
  run_in_virtual_time([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    Spawned<void> writer = spawn(reactor, ends.near.write_all(large));
    co_await turns(20);

    ends.far.abort();
    const auto broken = co_await as_outcome(std::move(writer));
    const auto after = co_await as_outcome(ends.near.write_all("x"));

    CHECK(failed_with(broken, std::errc::connection_reset));
    CHECK(failed_with(after, Errc::cut_write));
  });
}
