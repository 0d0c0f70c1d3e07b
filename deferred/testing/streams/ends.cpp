// SPDX-License-Identifier: MIT
// How a direction ends, and that the other does not end with it.
#include <array>

#include "deferred/testing/streams/cases.hpp"
#include "deferred/testing/streams/steps.hpp"
#include "deferred/yieldables/as_outcome.hpp"

namespace deferred::testing::streams {
namespace {

const StreamCase cases_of_ends[] = {
    {"what was written before close() is read, and then the end", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       co_await p.near.write_all("last words");
       p.near.close();
       co_await c.rest();
       const std::string got = co_await p.far.read_to_end();
       c.equal(got, "last words", "what is read");
     }},
    {"the end stays the end", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       co_await p.near.write_all("x");
       p.near.close();
       const std::string got = co_await take(p.far, 1);
       c.equal(got, "x", "what is read");
       std::array<char, 8> room;
       for (int i = 0; i < 5; ++i) {
         const std::size_t end = co_await p.far.read_some(room);
         c.equal(end, std::size_t{0}, "what a read gives at the end");
         co_await c.rest();
       }
       const bool more = co_await p.far.read_more();
       c.check(!more, "read_more is false at the end");
     }},
    {"the end that has been read stays the end, though the peer aborts then", half_close | reset,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       co_await p.near.shutdown_write();
       std::array<char, 8> room;
       const std::size_t end = co_await p.far.read_some(room);
       c.equal(end, std::size_t{0}, "what a read gives at the end");
       p.near.abort();
       for (int i = 0; i < 2; ++i) {
         co_await c.rest();
         const auto again = co_await as_outcome(p.far.read_some(room));
         c.check(again.has_value() && *again == 0, "it is the end: " + what_of(again));
       }
     }},
    {"a reader that waits is told of the end", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       Spawned<std::string> reader = spawn(take_some(p.far, 8));
       co_await c.rest();
       c.check(!reader.done(), "there is nothing to be read yet");
       p.near.close();
       const std::string got = co_await std::move(reader);
       c.equal(got, "", "what it reads");
     }},
    {"after shutdown_write the peer reads the end, and can still write", two_ways | half_close,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       co_await p.near.write_all("ask");
       co_await p.near.shutdown_write();
       const std::string asked = co_await p.far.read_to_end();
       c.equal(asked, "ask", "what the far end reads");
       Spawned<void> writer = spawn(put_and_close(p.far, pattern(100'000)));
       const std::string answered = co_await p.near.read_to_end();
       co_await std::move(writer);
       c.check(answered == pattern(100'000), "the answer is read");
     }},
    {"both ways end, one after the other", two_ways | half_close,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       co_await p.near.shutdown_write();
       std::array<char, 8> room;
       const std::size_t first = co_await p.far.read_some(room);
       c.equal(first, std::size_t{0}, "what the far end reads");
       co_await p.far.write_all("behind the end");
       co_await p.far.shutdown_write();
       const std::string got = co_await p.near.read_to_end();
       c.equal(got, "behind the end", "what the near end reads");
       const std::size_t second = co_await p.near.read_some(room);
       c.equal(second, std::size_t{0}, "what it reads then");
       c.check(p.near.is_open() && p.far.is_open(), "nothing but close() closes");
     }},
    {"what was written, or taken, before shutdown_write arrives before the end", half_close,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       const std::string text = pattern(400'000);
       const auto write = [](Stream& stream, std::string all) -> Task<> {
         co_await stream.write_all(all);
         static_cast<void>(co_await stream.write_some(all));
         co_await stream.shutdown_write();
       };
       Spawned<void> writer = spawn(write, std::ref(p.near), text);
       co_await c.rest();
       const std::string got = co_await take(p.far, 2 * text.size() + 1, 50'000);
       co_await std::move(writer);
       c.equal(std::uint64_t{got.size()}, p.near.bytes_written(), "how much is read until the end");
       c.check(got == (text + text).substr(0, got.size()), "what is read is what was written");
     }},
    {"after shutdown_write nothing more is written: that is an error each time", half_close,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       const std::string peer = p.near.peer();
       co_await p.near.write_all("x");
       co_await p.near.shutdown_write();
       for (int i = 0; i < 3; ++i) {
         const auto all = co_await as_outcome(p.near.write_all("late"));
         const auto some = co_await as_outcome(p.near.write_some("late"));
         c.failed(all, writing, peer);
         c.failed(some, writing, peer);
       }
       const std::string got = co_await p.far.read_to_end();
       c.equal(got, "x", "what the peer reads");
     }},
    {"a write after shutdown_write that fails leaves reading as it is", two_ways | half_close,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       co_await p.near.shutdown_write();
       const auto late = co_await as_outcome(p.near.write_all("late"));
       c.failed(late, writing, p.near.peer());
       co_await p.far.write_all("an answer");
       const std::string got = co_await take(p.near, 9);
       c.equal(got, "an answer", "what is read");
     }},
    {"shutdown_write leaves one who waits to read on the same end alone", two_ways | half_close,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       Spawned<std::string> reader = spawn(take(p.near, 6));
       co_await c.rest();
       co_await p.near.shutdown_write();
       co_await c.rest();
       c.check(!reader.done(), "it waits on");
       co_await p.far.write_all("answer");
       const std::string got = co_await std::move(reader);
       c.equal(got, "answer", "what it reads");
     }},
    {"the peer's end leaves one who waits to write alone", two_ways | half_close | clogs,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       std::string expected = co_await fill(c, p.near, pattern(50'000));
       Spawned<void> writer = spawn(put(p.near, "and this"));
       expected += "and this";
       co_await p.far.shutdown_write();
       co_await c.rest();
       const std::string end = co_await take(p.near, 1);
       c.equal(end, "", "what the writer's end reads");
       const std::string got = co_await take(p.far, expected.size(), 1 << 16);
       co_await std::move(writer);
       c.check(got == expected, "what is read is what was written");
     }},
};

}  // namespace

std::span<const StreamCase> end_cases() { return cases_of_ends; }

}  // namespace deferred::testing::streams
