// SPDX-License-Identifier: MIT
// What is written is read: each byte, once, in order, however it is cut up.
#include <algorithm>
#include <array>
#include <stdexcept>

#include "deferred/testing/streams/cases.hpp"
#include "deferred/testing/streams/steps.hpp"
#include "deferred/yieldables/as_outcome.hpp"

namespace deferred::testing::streams {
namespace {

const StreamCase cases_of_bytes[] = {
    {"a byte that is written is read", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       co_await p.near.write_all("x");
       const std::string got = co_await take(p.far, 1);
       c.equal(got, "x", "what is read");
     }},
    {"each value that a byte may have comes through", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       std::string all(256, ' ');
       for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<char>(i);
       Spawned<void> writer = spawn(put(p.near, all));
       const std::string got = co_await take(p.far, all.size());
       co_await std::move(writer);
       c.check(got == all, "what is read is what was written");
     }},
    {"to write nothing is done at once, and says nothing to the peer", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       co_await p.near.write_all("");
       const std::size_t taken = co_await p.near.write_some("");
       c.equal(taken, std::size_t{0}, "what write_some has taken of nothing");
       co_await p.near.write_all("y");
       const std::string got = co_await take(p.far, 1);
       c.equal(got, "y", "what is read");
       c.equal(p.near.bytes_written(), std::uint64_t{1}, "bytes_written");
     }},
    {"a read without room is refused, for its 0 would look like the end", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       const auto got = co_await as_outcome(p.far.read_some(std::span<char>()));
       c.check(got.check<std::invalid_argument>() != nullptr, "it is a std::invalid_argument");
       co_await p.near.write_all("x");
       const std::string next = co_await take(p.far, 1);
       c.equal(next, "x", "what is read afterwards");
     }},
    {"what is written in any pieces is read in any pieces, in order and whole", nothing,
     [](Context& c) -> Task<> {
       const std::string text = pattern(300);
       for (const std::size_t written : {1, 7, 64, 300}) {
         for (const std::size_t read : {1, 5, 1000}) {
           StreamPair p = co_await c.connect();
           Spawned<void> writer = spawn(put_in_pieces(p.near, text, written));
           const std::string got = co_await take(p.far, text.size(), read);
           co_await std::move(writer);
           c.check(got == text, "pieces of " + std::to_string(written) + " read in pieces of " +
                                    std::to_string(read) + " are whole");
         }
       }
     }},
    {"read_some gives what is there, and does not wait for a full buffer", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       co_await p.near.write_all("hello");
       co_await c.rest();
       std::string got;
       while (got.size() < 5) got += co_await take_some(p.far, 1000);
       c.equal(got, "hello", "what is read");
     }},
    {"a message that has come whole is read byte by byte, to its last", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       const std::string text = pattern(200);
       Spawned<void> writer = spawn(put(p.near, text));
       co_await c.rest();
       const std::string got = co_await take(p.far, text.size(), 1);
       co_await std::move(writer);
       c.check(got == text, "what is read is what was written");
     }},
    {"much is read in thousands of small pieces", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       const std::string text = pattern(100'000);
       Spawned<void> writer = spawn(put(p.near, text));
       const std::string got = co_await take(p.far, text.size(), 10);
       co_await std::move(writer);
       c.check(got == text, "what is read is what was written");
     }},
    {"a mebibyte goes both ways at once", two_ways,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       const std::string there = pattern(1 << 20);
       const std::string back(there.rbegin(), there.rend());
       Spawned<void> near_writer = spawn(put(p.near, there));
       Spawned<void> far_writer = spawn(put(p.far, back));
       Spawned<std::string> far_reader = spawn(take(p.far, there.size(), 50'000));
       const std::string near_got = co_await take(p.near, back.size(), 50'000);
       const std::string far_got = co_await std::move(far_reader);
       co_await std::move(near_writer);
       co_await std::move(far_writer);
       c.check(far_got == there, "what the far end reads is what the near one wrote");
       c.check(near_got == back, "what the near end reads is what the far one wrote");
     }},
    {"a question and its answer go to and fro, again and again", two_ways,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       const auto echo = [](Stream& stream) -> Task<> {
         for (int i = 0; i < 100; ++i) {
           const std::string asked = co_await take(stream, 4);
           co_await stream.write_all(asked);
         }
       };
       Spawned<void> answers = spawn(echo(p.far));
       for (int i = 0; i < 100; ++i) {
         const std::string asked = std::to_string(1000 + i);
         co_await p.near.write_all(asked);
         const std::string answered = co_await take(p.near, 4);
         c.equal(answered, asked, "the answer");
       }
       co_await std::move(answers);
     }},
    {"what write_some has taken goes out by itself, and no more than that", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       const std::string text = pattern(100'000);
       const std::size_t taken = co_await p.near.write_some(text);
       c.check(taken >= 1 && taken <= text.size(), "it takes a byte at least, and all at most");
       const std::string got = co_await take(p.far, taken);
       c.check(got == text.substr(0, taken), "what is read is what was taken");
       const std::size_t last = co_await p.near.write_some("!");
       c.equal(last, std::size_t{1}, "what is taken of a byte");
       const std::string behind = co_await take(p.far, 1);
       c.equal(behind, "!", "what comes behind it");
     }},
    {"what is written behind a part that was taken may be anything", clogs,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       std::string expected = co_await fill(c, p.near, std::string(40'000, 'a'));
       const std::string others(1000, 'z');
       Spawned<void> writer = spawn(put(p.near, others));
       expected += others;
       const std::string got = co_await take(p.far, expected.size(), 30'000);
       co_await std::move(writer);
       c.equal(got.size(), expected.size(), "how much is read");
       c.check(got == expected, "what is read is what was taken, and then the other");
     }},
    {"bytes_read and bytes_written tell exactly how much", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       const std::string text = pattern(60);
       co_await p.near.write_all(text.substr(0, 20));
       c.equal(p.near.bytes_written(), std::uint64_t{20}, "bytes_written");
       std::size_t all = 20;
       all += co_await p.near.write_some(text.substr(20));
       c.equal(p.near.bytes_written(), std::uint64_t{all}, "bytes_written");

       std::string got(15, ' ');
       co_await p.far.read_exactly(got);
       const std::string next = co_await take(p.far, all - 15, 4);
       c.check(got + next == text.substr(0, all), "what is read is what was written");
       c.equal(p.far.bytes_read(), std::uint64_t{all}, "bytes_read");
       c.equal(p.near.bytes_read() + p.far.bytes_written(), std::uint64_t{0}, "the way back");
     }},
    {"a transport is drained only if nothing is left in it or below", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       const std::string text = pattern(60);
       co_await p.near.write_all(text);
       co_await c.rest();
       std::string got;
       for (std::size_t room = 1; got.size() < text.size(); room = room % 7 + 1) {
         got += co_await take_some(p.far, room);
         char more = 0;
         if (p.far.transport().is_drained()) {
           const auto found = p.far.transport().try_read(std::span(&more, 1));
           c.check(!found, "nothing is left behind the first " + std::to_string(got.size()));
         }
       }
       c.check(got == text, "what is read is what was written");
     }},
};

}  // namespace

std::span<const StreamCase> byte_cases() { return cases_of_bytes; }

}  // namespace deferred::testing::streams
