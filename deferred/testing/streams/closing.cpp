// SPDX-License-Identifier: MIT
// What closing does: to who waits, to later operations, to what is below.
#include <fcntl.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "deferred/results/errors.hpp"
#include "deferred/testing/streams/cases.hpp"
#include "deferred/testing/streams/steps.hpp"
#include "deferred/yieldables/as_outcome.hpp"

namespace deferred::testing::streams {
namespace {

using namespace std::chrono_literals;

using Read = Task<> (*)(Stream& stream, std::string& room);
using Ending = void (*)(Stream& stream);

/// Ends the far end in some way while a task reads it by `read`, which has to be told.
Task<> end_while_reading(Context& c, Read read, Ending end) {
  StreamPair p = co_await c.connect();
  const std::string peer = p.far.peer();
  std::string room(4, ' ');
  Spawned<void> reader = spawn(read, std::ref(p.far), std::ref(room));
  co_await c.rest();
  c.check(!reader.done(), "there is nothing to be read yet");
  end(p.far);
  const auto outcome = co_await as_outcome(std::move(reader));
  c.failed_with(outcome, Errc::closed, reading, peer);
}

Task<> read_by_some(Stream& stream, std::string& room) {
  static_cast<void>(co_await stream.read_some(room));
}
Task<> read_by_exactly(Stream& stream, std::string& room) { co_await stream.read_exactly(room); }
Task<> read_by_more(Stream& stream, std::string&) { co_await stream.read_more(); }
Task<> read_by_to_end(Stream& stream, std::string&) { co_await stream.read_to_end(); }

const StreamCase cases_of_closing[] = {
    {"close() ends each read that waits, with Errc::closed", nothing,
     [](Context& c) -> Task<> {
       for (const Read read : {read_by_some, read_by_exactly, read_by_more, read_by_to_end}) {
         co_await end_while_reading(c, read, [](Stream& stream) { stream.close(); });
       }
     }},
    {"abort() ends a read that waits on this side, with Errc::closed", nothing,
     [](Context& c) -> Task<> {
       co_await end_while_reading(c, read_by_some, [](Stream& stream) { stream.abort(); });
     }},
    {"dropping a stream ends the read that waits on it, with Errc::closed", nothing,
     [](Context& c) -> Task<> {
       for (const Read read : {read_by_some, read_by_exactly}) {
         co_await end_while_reading(c, read, [](Stream& stream) { stream = Stream(); });
       }
     }},
    {"close() ends a write that waits, with Errc::closed", clogs,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       const std::string peer = p.near.peer();
       Spawned<void> writer = spawn(p.near.write_all(much()));
       co_await c.rest();
       c.check(!writer.done(), "it waits for the reader");
       p.near.close();
       const auto outcome = co_await as_outcome(std::move(writer));
       c.failed_with(outcome, Errc::closed, writing, peer);
     }},
    {"nobody goes on inside close(), but afterwards", clogs,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       int went_on = 0;
       const auto wait = [&went_on](Task<> operation) -> Task<> {
         const auto outcome = co_await as_outcome(std::move(operation));
         ++went_on;
       };
       std::string room(4, ' ');
       std::string other(4, ' ');
       std::vector<Spawned<void>> waiting;
       waiting.push_back(spawn(wait, Task<>(p.near.write_all(much()))));
       if (c.has(two_ways)) waiting.push_back(spawn(wait, p.near.read_exactly(room)));
       StreamPair silent = co_await c.connect();
       waiting.push_back(spawn(wait, silent.far.read_exactly(other)));
       co_await c.rest();
       p.near.close();
       silent.far.close();
       c.equal(went_on, 0, "how many go on inside close()");
       for (Spawned<void>& one : waiting) co_await std::move(one);
     }},
    {"closing twice, and aborting what is closed, does nothing", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       co_await p.near.write_all("all");
       p.near.close();
       p.near.close();
       p.near.abort();
       const std::string got = co_await p.far.read_to_end();
       c.equal(got, "all", "what the peer reads");
       p.far.close();
       p.far.close();
     }},
    {"a closed stream refuses each operation with Errc::closed, and keeps its peer's name", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       for (Stream* const stream : {&p.near, &p.far}) {
         const std::string peer = stream->peer();
         c.check(!peer.empty(), "it has a peer with a name");
         c.check(stream->is_open(), "it is open");
         stream->close();
         std::string room(4, ' ');
         const auto some = co_await as_outcome(stream->read_some(room));
         const auto exactly = co_await as_outcome(stream->read_exactly(room));
         const auto more = co_await as_outcome(stream->read_more());
         const auto to_end = co_await as_outcome(stream->read_to_end());
         const auto write = co_await as_outcome(stream->write_all("x"));
         const auto write_some = co_await as_outcome(stream->write_some("x"));
         const auto shut = co_await as_outcome(stream->shutdown_write());
         c.failed_with(some, Errc::closed, reading, peer);
         c.failed_with(exactly, Errc::closed, reading, peer);
         c.failed_with(more, Errc::closed, reading, peer);
         c.failed_with(to_end, Errc::closed, reading, peer);
         c.failed_with(write, Errc::closed, writing, peer);
         c.failed_with(write_some, Errc::closed, writing, peer);
         c.failed_with(shut, Errc::closed, shutting_down, peer);
         c.check(!stream->is_open(), "it is not open any more");
         c.equal(stream->peer(), peer, "its peer");
       }
     }},
    {"what is assigned over is closed", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       co_await p.near.write_all("until here");
       p.near = Stream();
       const std::string got = co_await p.far.read_to_end();
       c.equal(got, "until here", "what the peer reads");
     }},
    {"a stream is moved while tasks wait on it, and they go on", clogs,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       std::string expected = co_await fill(c, p.near, pattern(50'000));
       Spawned<void> writer = spawn(p.near.write_all("and this"));
       expected += "and this";
       co_await c.rest();
       Stream near = std::move(p.near);
       const std::string first = co_await take(p.far, expected.size(), 1 << 16);
       co_await std::move(writer);
       std::string room(5, ' ');
       Spawned<void> reader = spawn(p.far.read_exactly(room));
       co_await c.rest();
       Stream far = std::move(p.far);
       co_await near.write_all("moved");
       co_await std::move(reader);
       c.check(first == expected, "what is read is what was written");
       c.equal(room, "moved", "what the reader reads");
     }},
    {"an operation may begin when its stream is gone: that is Errc::closed", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       std::string room(4, ' ');
       auto read = p.far.read_some(room);
       auto write = p.near.write_all("x");
       p.near = Stream();
       p.far = Stream();
       const auto got = co_await as_outcome(std::move(read));
       const auto written = co_await as_outcome(std::move(write));
       c.check(failed_with(got, Errc::closed), "the read: " + what_of(got));
       c.check(failed_with(written, Errc::closed), "the write: " + what_of(written));
     }},
    {"after close() nothing below is touched, whoever has its number by then", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       const int number = p.near.transport().descriptor();
       if (number < 0) c.skip("it has no descriptor");
       const conformance::Pipe other;
       p.near.close();
       const int taken = ::fcntl(other[0], F_DUPFD_CLOEXEC, number);  // at least that number
       c.equal(taken, number, "the number that is free, for close() has closed its descriptor");
       co_await c.rest();
       p.near.abort();
       p.near = Stream();
       co_await c.rest();
       c.check(::fcntl(taken, F_GETFD) >= 0, "another's descriptor is not closed");
       ::close(taken);
     }},
    {"closing with bytes unread ends the peer's reads, by an end or an error", two_ways,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       co_await p.far.write_all("nobody reads this");
       co_await c.rest();
       p.near.close();
       co_await read_to_any_end(p.far);
       const auto next = co_await as_outcome(take_some(p.far, 8));
       c.check(!next.has_value() || next->empty(), "no byte comes behind that");
     }},
    {"linger_close gives the peer the last that was written, though it is still sending",
     two_ways | half_close,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       Spawned<void> sender = spawn(put(p.far, pattern(30'000)));
       co_await c.rest();
       co_await p.near.write_all("431 too much");
       Spawned<void> ending = spawn(io::linger_close(p.near));
       const std::string answer = co_await p.far.read_to_end();
       co_await std::move(sender);
       p.far.close();
       co_await std::move(ending);
       c.equal(answer, "431 too much", "what the peer reads");
       c.check(!p.near.is_open(), "it is closed");
     }},
    {"linger_close waits no longer than it is told, and a cancelled one not at all",
     two_ways | half_close,
     [](Context& c) -> Task<> {
       StreamPair silent = co_await c.connect();
       co_await io::linger_close(silent.near, 64 << 10, c.rest_time());
       c.check(!silent.near.is_open(), "it is closed, though the peer is silent");

       StreamPair p = co_await c.connect();
       Spawned<void> ending = spawn(io::linger_close(p.near, 64 << 10, 1h));
       co_await c.rest();
       c.check(p.near.is_open(), "it waits for the peer");
       ending.task().cancel();
       const auto outcome = co_await as_outcome(std::move(ending));
       c.check(outcome.check<Cancelled>() != nullptr, "it is cancelled");
       c.check(!p.near.is_open(), "it is closed");
     }},
};

}  // namespace

std::span<const StreamCase> closing_cases() { return cases_of_closing; }

}  // namespace deferred::testing::streams
