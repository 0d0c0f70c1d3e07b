// SPDX-License-Identifier: MIT
// A peer that is gone, or has said that something is wrong: who is told, and how often.
#include <array>

#include "deferred/testing/streams/cases.hpp"
#include "deferred/testing/streams/steps.hpp"
#include "deferred/yieldables/as_outcome.hpp"

namespace deferred::testing::streams {
namespace {

/// Writes to one who is gone until that is an error: it may take until the peer has said so.
Task<Outcome<void>> write_until_broken(Context& c, Stream& stream) {
  for (int i = 0; i < 200; ++i) {
    Outcome<void> outcome = co_await as_outcome(stream.write_all("x"));
    if (!outcome.has_value()) co_return outcome;
    co_await c.rest();
  }
  co_return Outcome<void>();
}

/// Each of some more writes is an error of the connection's.
Task<> check_broken(Context& c, Stream& stream) {
  for (int i = 0; i < 3; ++i) {
    const auto all = co_await as_outcome(stream.write_all("more"));
    const auto some = co_await as_outcome(stream.write_some("more"));
    c.failed(all, writing, stream.peer());
    c.failed(some, writing, stream.peer());
    c.check(!failed_with(all, Errc::closed), "it is not told that this side has closed it");
    co_await c.rest();
  }
}

/// A reader gets what had come, and then an error each time, whose text begins as it should.
Task<std::string> read_until_broken(Context& c, Stream& stream) {
  std::string got;
  while (true) {
    const auto outcome = co_await as_outcome(take_some(stream, 100));
    if (!outcome.has_value()) {
      c.failed(outcome, reading, stream.peer());
      break;
    }
    c.check(!outcome->empty(), "there is no end, but an error");
    got += *outcome;
  }
  for (int i = 0; i < 3; ++i) {
    const auto again = co_await as_outcome(take_some(stream, 100));
    c.failed(again, reading, stream.peer());
    co_await c.rest();
  }
  const auto more = co_await as_outcome(stream.read_more());
  c.failed(more, reading, stream.peer());
  co_return got;
}

const StreamCase cases_of_breaking[] = {
    {"writing to a peer that is gone becomes an error, and stays one", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       p.far.close();
       const auto outcome = co_await write_until_broken(c, p.near);
       c.failed(outcome, writing, p.near.peer());
       co_await check_broken(c, p.near);
     }},
    {"one who waits to write is told when the peer closes, and that stays", clogs,
     [](Context& c) -> Task<> {
       for (const bool abort : {false, true}) {
         StreamPair p = co_await c.connect();
         Spawned<void> writer = spawn(p.near.write_all(much()));
         co_await c.rest();
         c.check(!writer.done(), "it waits for the reader");
         if (abort) p.far.abort();
         p.far.close();
         const auto outcome = co_await as_outcome(std::move(writer));
         c.failed(outcome, writing, p.near.peer());
         c.check(!failed_with(outcome, Errc::closed), "this side has not closed it");
         co_await check_broken(c, p.near);
       }
     }},
    {"a stream that is broken is closed as any other, and then says Errc::closed", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       p.far.close();
       const auto broken = co_await write_until_broken(c, p.near);
       c.check(p.near.is_open(), "it is open until this side closes it");
       p.near.close();
       const auto closed = co_await as_outcome(p.near.write_all("x"));
       c.failed_with(closed, Errc::closed, writing, p.near.peer());
     }},
    {"an abort is an error to one who waits to read, and stays one", reset,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       Spawned<std::string> reader = spawn(read_until_broken(c, p.far));
       co_await c.rest();
       p.near.abort();
       const std::string got = co_await std::move(reader);
       c.equal(got, "", "what it reads");
     }},
    {"behind an abort comes nothing but an error, again and again", reset,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       co_await p.near.write_all("hello");
       p.near.abort();
       co_await c.rest();
       const std::string got = co_await read_until_broken(c, p.far);
       c.check(std::string("hello").starts_with(got), "what comes before it was written");
     }},
    {"an abort is an error to a writer, and stays one", reset | two_ways,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       p.near.abort();
       const auto outcome = co_await write_until_broken(c, p.far);
       c.failed(outcome, writing, p.far.peer());
       co_await check_broken(c, p.far);
     }},
    {"an abort is an error to each of the reads that collect", reset,
     [](Context& c) -> Task<> {
       std::array<char, 100> room;
       StreamPair one = co_await c.connect();
       StreamPair two = co_await c.connect();
       one.near.abort();
       two.near.abort();
       const auto exactly = co_await as_outcome(one.far.read_exactly(room));
       const auto to_end = co_await as_outcome(two.far.read_to_end());
       c.failed(exactly, reading, one.far.peer());
       c.failed(to_end, reading, two.far.peer());
       c.check(!failed_with(exactly, Errc::ended), "it is no end");
     }},
};

}  // namespace

std::span<const StreamCase> breaking_cases() { return cases_of_breaking; }

}  // namespace deferred::testing::streams
