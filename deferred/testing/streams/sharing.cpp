// SPDX-License-Identifier: MIT
// One reads and one writes; a second of either is told so, and hurts nobody.
#include <array>

#include "deferred/testing/streams/cases.hpp"
#include "deferred/testing/streams/steps.hpp"
#include "deferred/yieldables/as_outcome.hpp"

namespace deferred::testing::streams {
namespace {

const StreamCase cases_of_sharing[] = {
    {"a second reader is told so, whatever it calls, and the first is not hurt", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       const std::string peer = p.far.peer();
       Spawned<std::string> first = spawn(take(p.far, 13));
       co_await c.rest();
       std::array<char, 4> room;
       const auto some = co_await as_outcome(p.far.read_some(room));
       const auto exactly = co_await as_outcome(p.far.read_exactly(room));
       const auto more = co_await as_outcome(p.far.read_more());
       const auto to_end = co_await as_outcome(p.far.read_to_end());
       c.failed_with(some, Errc::busy, reading, peer);
       c.failed_with(exactly, Errc::busy, reading, peer);
       c.failed_with(more, Errc::busy, reading, peer);
       c.failed_with(to_end, Errc::busy, reading, peer);
       co_await p.near.write_all("for the first");
       const std::string got = co_await std::move(first);
       c.equal(got, "for the first", "what the first reads");
     }},
    {"a reader that collects keeps a second one out as well", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       Spawned<std::string> first = spawn(p.far.read_to_end());
       co_await p.near.write_all("half, ");
       co_await c.rest();
       std::array<char, 4> room;
       const auto second = co_await as_outcome(p.far.read_some(room));
       c.failed_with(second, Errc::busy, reading, p.far.peer());
       co_await p.near.write_all("half");
       p.near.close();
       const std::string got = co_await std::move(first);
       c.equal(got, "half, half", "what the first reads");
     }},
    {"a second writer, and a shutdown, are told so, and the first is not hurt", clogs,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       const std::string peer = p.near.peer();
       std::string expected;
       Spawned<void> first = co_await stuck_writer(c, p.near, expected);
       const auto all = co_await as_outcome(p.near.write_all("2"));
       const auto some = co_await as_outcome(p.near.write_some("2"));
       const auto shut = co_await as_outcome(p.near.shutdown_write());
       c.failed_with(all, Errc::busy, writing, peer);
       c.failed_with(some, Errc::busy, writing, peer);
       c.failed_with(shut, Errc::busy, shutting_down, peer);
       const std::string got = co_await take(p.far, expected.size(), 1 << 16);
       co_await std::move(first);
       c.check(got == expected, "what is read is what the first wrote");
       co_await p.near.write_all("3");
       const std::string next = co_await take(p.far, 1);
       c.equal(next, "3", "what is written when the first is done");
     }},
    {"one waits to read and one to write on the same end, and each has its own wake-up",
     two_ways | clogs,
     [](Context& c) -> Task<> {
       for (const bool reader_first : {true, false}) {
         StreamPair p = co_await c.connect();
         std::string expected = co_await fill(c, p.near, pattern(50'000));
         Spawned<std::string> reader = spawn(take(p.near, 3));
         Spawned<void> writer = spawn(put(p.near, pattern(10'000)));
         expected += pattern(10'000);
         co_await c.rest();
         if (reader_first) {
           co_await p.far.write_all("yes");
           const std::string got = co_await std::move(reader);
           c.equal(got, "yes", "what is read, while the writer waits");
         }
         const std::string got = co_await take(p.far, expected.size(), 1 << 16);
         c.check(got == expected, "what is written comes");
         co_await std::move(writer);
         if (!reader_first) {
           c.check(!reader.done(), "the reader waits on");
           co_await p.far.write_all("yes");
           const std::string late = co_await std::move(reader);
           c.equal(late, "yes", "what is read when the writer is done");
         }
       }
     }},
    {"two tasks share an end, and neither waits for the other", two_ways,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       Spawned<std::string> reader = spawn(p.near.read_to_end());
       for (int i = 0; i < 20; ++i) {
         co_await p.near.write_all("0123456789");
         const std::string got = co_await take(p.far, 10);
         c.equal(got, "0123456789", "what is written while the other reads");
       }
       p.far.close();
       const std::string got = co_await std::move(reader);
       c.equal(got, "", "what the reader reads");
     }},
};

}  // namespace

std::span<const StreamCase> sharing_cases() { return cases_of_sharing; }

}  // namespace deferred::testing::streams
