// SPDX-License-Identifier: MIT
// A stream on which something goes wrong at a chosen operation.
#include "deferred/testing/faulty_stream.hpp"

#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "deferred/testing/memory_pipe.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "tests/streams/in_virtual_time.hpp"

using namespace deferred;
using namespace deferred::testing;
using io::Stream;

namespace {

/// A pipe the near end of which is faulty.
StreamPair faulty_pipe(const FaultPlan& plan) {
  StreamPair pipe = memory_pipe();
  Stream near = faulty(std::move(pipe.near), plan);
  return StreamPair(std::move(near), std::move(pipe.far));
}

FaultPlan plan_of(StreamFault fault, std::size_t at, bool from_then_on = false) {
  FaultPlan plan;
  plan.fault = fault;
  plan.at = at;
  plan.from_then_on = from_then_on;
  return plan;
}

/// What a try gives: "3", or "-" where it would block.
std::string text_of(std::optional<std::size_t> got) { return got ? std::to_string(*got) : "-"; }

std::string tried_reads(Stream& stream, int count) {
  std::string all;
  std::array<char, 3> room{};
  for (int i = 0; i < count; ++i) all += text_of(stream.transport().try_read(room));
  return all;
}
std::string tried_writes(Stream& stream, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text_of(stream.transport().try_write("abc"));
  return all;
}

constexpr bool for_good = true;

}  // namespace

TEST_CASE("the chosen operation of a faulty stream has to wait once") {
  run_in_virtual_time([](Reactor&) -> Task<> {
    StreamPair reads = faulty_pipe(plan_of(StreamFault::would_block, 1));
    StreamPair writes = faulty_pipe(plan_of(StreamFault::would_block, 1));
    co_await reads.far.write_all("123456789");

    CHECK(tried_reads(reads.near, 4) == "3-33");
    CHECK(tried_writes(writes.near, 4) == "3-33");
  });
}

TEST_CASE("from the chosen operation on, each of a faulty stream has to wait once") {
  run_in_virtual_time([](Reactor&) -> Task<> {
    StreamPair pipe = faulty_pipe(plan_of(StreamFault::would_block, 1, for_good));
    co_await pipe.far.write_all("123456789");

    CHECK(tried_reads(pipe.near, 5) == "3-3-3");
    CHECK(tried_writes(pipe.near, 4) == "-3-3");
    CHECK_FALSE(pipe.near.transport().try_flush());
    CHECK(pipe.near.transport().try_flush());
    CHECK_FALSE(pipe.near.transport().try_shutdown_write());
    CHECK(pipe.near.transport().try_shutdown_write());
  });
}

TEST_CASE("the chosen operation of a faulty stream moves one byte") {
  run_in_virtual_time([](Reactor&) -> Task<> {
    StreamPair once = faulty_pipe(plan_of(StreamFault::one_byte, 1));
    StreamPair always = faulty_pipe(plan_of(StreamFault::one_byte, 1, for_good));
    co_await once.far.write_all("123456789");
    co_await always.far.write_all("123456789");

    CHECK(tried_reads(once.near, 3) == "313");
    CHECK(tried_reads(always.near, 3) == "311");
    CHECK(tried_writes(always.near, 2) == "11");
  });
}

TEST_CASE("a read that moves one byte does not say that it has taken all") {
  run_in_virtual_time([](Reactor&) -> Task<> {
    StreamPair pipe = faulty_pipe(plan_of(StreamFault::one_byte, 0, for_good));
    co_await pipe.far.write_all("1");

    CHECK(tried_reads(pipe.near, 1) == "1");
    CHECK_FALSE(pipe.near.transport().is_drained());
  });
}

TEST_CASE("from its error on, a direction of a faulty stream fails, and the other goes on") {
  run_in_virtual_time([](Reactor&) -> Task<> {
    FaultPlan plan = plan_of(StreamFault::error, 0);
    plan.error = std::make_error_code(std::errc::timed_out);
    StreamPair reads = faulty_pipe(plan);
    StreamPair writes = faulty_pipe(plan);
    co_await reads.far.write_all("1");
    co_await writes.far.write_all("1");

    for (int i = 0; i < 3; ++i) {
      const auto read = co_await as_outcome(reads.near.read_more());
      const auto written = co_await as_outcome(writes.near.write_all("x"));
      CHECK(what(read) == "read from memory pipe, far end: Connection timed out");
      CHECK(what(written) == "write to memory pipe, far end: Connection timed out");
    }
    const auto shut = co_await as_outcome(writes.near.shutdown_write());
    CHECK(what(shut) == "shut down writing to memory pipe, far end: Connection timed out");
    co_await reads.near.write_all("x");
    const bool more = co_await writes.near.read_more();
    CHECK(more);
  });
}

TEST_CASE("from its end on, a faulty stream gives the end to readers, and EPIPE to writers") {
  run_in_virtual_time([](Reactor&) -> Task<> {
    StreamPair reads = faulty_pipe(plan_of(StreamFault::end, 1));
    StreamPair writes = faulty_pipe(plan_of(StreamFault::end, 0));
    co_await reads.far.write_all("123456789");

    CHECK(tried_reads(reads.near, 4) == "3000");
    for (int i = 0; i < 2; ++i) {
      const auto written = co_await as_outcome(writes.near.write_all("x"));
      CHECK(what(written) == "write to memory pipe, far end: Broken pipe");
    }
  });
}

TEST_CASE("a wait that begins after the end or the error is told of it, though nothing comes") {
  run_in_virtual_time([](Reactor&) -> Task<> {
    for (const StreamFault fault : {StreamFault::end, StreamFault::error}) {
      StreamPair pipe = faulty_pipe(plan_of(fault, 0));
      std::array<char, 8> room{};
      const auto first = co_await as_outcome(pipe.near.read_some(room));

      CHECK(first.has_value() == (fault == StreamFault::end));
      co_await pipe.near.transport().readable().wait();
    }
  });
}

TEST_CASE("closing a faulty stream closes the one below it") {
  run_in_virtual_time([](Reactor&) -> Task<> {
    StreamPair closed = faulty_pipe(plan_of(StreamFault::error, 0));
    StreamPair aborted = faulty_pipe(plan_of(StreamFault::error, 0));

    closed.near.close();
    aborted.near.abort();

    const std::string end = co_await closed.far.read_to_end();
    const auto reset = co_await as_outcome(aborted.far.read_to_end());
    CHECK(end.empty());
    CHECK(failed_with(reset, std::errc::connection_reset));
  });
}

TEST_CASE("the operations of a faulty stream are counted") {
  run_in_virtual_time([](Reactor&) -> Task<> {
    const auto operations = std::make_shared<std::size_t>(0);
    FaultPlan plan = plan_of(StreamFault::one_byte, 1'000);
    plan.operations = operations;
    StreamPair pipe = faulty_pipe(plan);
    co_await pipe.far.write_all("123");

    co_await pipe.near.write_all("x");
    CHECK(*operations == 2);  // it is written, and brought to the kernel
    const bool more = co_await pipe.near.read_more();
    CHECK(more);
    CHECK(*operations == 3);
    co_await pipe.near.shutdown_write();
    CHECK(*operations == 4);
  });
}

TEST_CASE("a stream with bytes buffered is not made a faulty one, for they would be lost") {
  run_in_virtual_time([](Reactor&) -> Task<> {
    StreamPair pipe = memory_pipe();
    co_await pipe.far.write_all("123");
    co_await pipe.near.read_more();

    CHECK_THROWS_AS(static_cast<void>(faulty(std::move(pipe.near), FaultPlan())), std::logic_error);
  });
}
