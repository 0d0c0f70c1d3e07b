// SPDX-License-Identifier: MIT
// The reads that collect: read_exactly, read_to_end, read_more.
#include "deferred/testing/streams/cases.hpp"
#include "deferred/testing/streams/steps.hpp"
#include "deferred/yieldables/as_outcome.hpp"

namespace deferred::testing::streams {
namespace {

const StreamCase cases_of_readers[] = {
    {"read_exactly fills its buffer, however the bytes come, and leaves what follows", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       for (const std::size_t piece : {1, 2, 5, 9}) {
         Spawned<void> writer = spawn(put_in_pieces(p.near, "abcdefghi", piece));
         std::string got(6, ' ');
         std::string rest(3, ' ');
         co_await p.far.read_exactly(got);
         co_await p.far.read_exactly(rest);
         co_await std::move(writer);
         c.equal(got, "abcdef", "the first");
         c.equal(rest, "ghi", "the next");
       }
     }},
    {"read_exactly of much is done as it comes", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       const std::string text = pattern(500'000);
       Spawned<void> writer = spawn(put(p.near, text));
       std::string got(text.size(), ' ');
       co_await p.far.read_exactly(got);
       co_await std::move(writer);
       c.check(got == text, "what is read is what was written");
     }},
    {"read_exactly across the end is Errc::ended, and what had come is read next", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       const std::string peer = p.far.peer();
       Spawned<void> writer = spawn(put_and_close(p.near, "abc"));
       std::string room(6, ' ');
       const auto short_of = co_await as_outcome(p.far.read_exactly(room));
       c.failed_with(short_of, Errc::ended, reading, peer);
       const std::string rest = co_await p.far.read_to_end();
       c.equal(rest, "abc", "what is read next");
       co_await std::move(writer);
     }},
    {"read_to_end gives all that is written, nothing included", nothing,
     [](Context& c) -> Task<> {
       for (const std::size_t size : {0, 1, 70'000}) {
         StreamPair p = co_await c.connect();
         const std::string text = pattern(size);
         Spawned<void> writer = spawn(put_and_close(p.near, text));
         const std::string got = co_await p.far.read_to_end();
         co_await std::move(writer);
         c.check(got == text, std::to_string(size) + " bytes are read as they were written");
       }
     }},
    {"read_to_end takes as much as its limit, and no more, and loses nothing of it", nothing,
     [](Context& c) -> Task<> {
       for (const std::size_t limit : {0, 4, 5, 6}) {
         StreamPair p = co_await c.connect();
         Spawned<void> writer = spawn(put_and_close(p.near, "hello"));
         const auto got = co_await as_outcome(p.far.read_to_end(limit));
         if (limit >= 5) {
           c.check(got.has_value() && *got == "hello", "it is all there");
         } else {
           c.failed_with(got, Errc::too_long, reading, p.far.peer());
           const std::string again = co_await p.far.read_to_end();
           c.equal(again, "hello", "what is read with more room");
         }
         co_await std::move(writer);
       }
     }},
    {"buffered bytes stay until they are consumed, and are read before those that follow", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       co_await p.near.write_all("one two");
       while (p.far.buffered().size() < 7) co_await p.far.read_more();
       c.equal(p.far.buffered(), "one two", "buffered()");
       p.far.consume(4);
       c.equal(p.far.buffered(), "two", "buffered()");
       Spawned<void> writer = spawn(put_and_close(p.near, " three"));
       const std::string first = co_await take_some(p.far, 2);
       c.equal(first, "tw", "what read_some gives");
       for (bool more = true; more;) more = co_await p.far.read_more();
       c.equal(p.far.buffered(), "o three", "buffered() at the end");
       const std::string all = co_await p.far.read_to_end();
       c.equal(all, "o three", "what read_to_end gives");
       co_await std::move(writer);
     }},
    {"read_more gives each byte once, to who takes all there is each time", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       const std::string text = pattern(300'000);
       Spawned<void> writer = spawn(put_and_close(p.near, text));
       std::string got;
       for (bool more = true; more;) {
         more = co_await p.far.read_more();
         got += p.far.buffered();
         p.far.consume(p.far.buffered().size());
       }
       co_await std::move(writer);
       c.check(got == text, "what is read is what was written");
     }},
};

}  // namespace

std::span<const StreamCase> reader_cases() { return cases_of_readers; }

}  // namespace deferred::testing::streams
