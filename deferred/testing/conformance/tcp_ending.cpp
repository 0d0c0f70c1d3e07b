// SPDX-License-Identifier: MIT
// TCP: how connections end - in order, by half, by a reset, in the middle of something. (Twisted:
// loseConnection, loseWriteConnection, abortConnection)
#include <algorithm>
#include <array>

#include "deferred/io/errors.hpp"
#include "deferred/results/errors.hpp"
#include "deferred/testing/conformance/cases.hpp"
#include "deferred/testing/conformance/fixtures.hpp"
#include "deferred/yieldables/as_outcome.hpp"

namespace deferred::testing::conformance {
namespace {

using enum Capability;
using io::Stream;

/// A writer that has filled all buffers, and waits.
Task<Spawned<void>> stuck_writer(Reactor& reactor, Stream& stream, std::size_t& written) {
  Spawned<void> writer = spawn(reactor, write_for_ever(stream, written));
  std::size_t before = 1;
  while (written != before) {
    before = written;
    co_await pauses(20);
  }
  co_return writer;
}

/// One end aborts, and then closes or aborts again; a reader of each end is told.
Task<void> end_twice(Context& c, bool by_server, bool then_close) {
  Connection both = co_await connect_pair(c.reactor());
  Stream& ends = by_server ? both.server : both.client;
  Stream& notices = by_server ? both.client : both.server;
  Spawned<std::string> own = spawn(c.reactor(), read_text(ends));
  Spawned<std::string> peers = spawn(c.reactor(), read_text(notices));
  co_await pauses(2);
  const int number = ends.transport().descriptor();
  abort_connection(ends);
  const std::array<Pipe, 4> others;  // of them one has the number now
  const auto has_number = [number](const Pipe& p) { return p[0] == number || p[1] == number; };
  c.check(std::ranges::any_of(others, has_number), "the number is free");
  if (then_close) {
    ends.close();
  } else {
    abort_connection(ends);
  }
  for (const Pipe& other : others) {
    other.write(1);
    c.equal(other.read(0), "x", "what is read of other descriptors");
  }
  c.check(!ends.is_open(), "this end is closed");
  const auto here = co_await as_outcome(std::move(own));
  const auto there = co_await as_outcome(std::move(peers));
  c.check(failed_with(here, io::Errc::closed), "this end's reader is told that it is closed");
  c.check(failed_with(there, std::errc::connection_reset), "the other end is told of the reset");
  c.equal(c.reactor().watch_count(), std::size_t{1}, "the number of watches, the other end's");
}

/// The writer's buffers are full; then its own end is aborted.
Task<void> abort_with_full_buffers(Context& c, bool exchange_first) {
  Connection both = co_await connect_pair(c.reactor());
  if (exchange_first) {
    co_await both.server.write_all("x");
    const std::string got = co_await read_text(both.client);
    c.equal(got, "x", "what the client reads first");
  }
  std::size_t written = 0;
  Spawned<void> writer = co_await stuck_writer(c.reactor(), both.client, written);
  abort_connection(both.client);
  const auto outcome = co_await as_outcome(std::move(writer));
  c.check(failed_with(outcome, io::Errc::closed), "the writer is told");
  std::size_t read = 0;
  while (true) {
    const auto piece = co_await as_outcome(read_text(both.server));
    if (!piece.has_value()) {
      c.check(failed_with(piece, std::errc::connection_reset), "the reader is told of the reset");
      break;
    }
    read += piece->size();
  }
  c.check(read <= written + (1 << 16), "no more is read than was written");
}

const ConformanceCase cases_of_tcp_ending[] = {
    {"what was written before close() is read before the end", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Connection both = co_await connect_pair(context.reactor());
         co_await both.client.write_all("goodbye");
         both.client.close();
         const std::string all = co_await both.server.read_to_end();
         context.equal(all, "goodbye", "what is read");
       });
     }},
    {"the end is told as often as it is asked for", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Connection both = co_await connect_pair(context.reactor());
         both.client.close();
         for (int i = 0; i < 3; ++i) {
           const std::string end = co_await read_text(both.server);
           context.equal(end, "", "what is read");
         }
       });
     },
     "tcp.resumeProducingWhileDisconnecting"},
    {"one end sends its last, and still reads what the other sends", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Connection both = co_await connect_pair(context.reactor());
         co_await both.client.shutdown_write();
         const std::string end = co_await read_text(both.server);
         context.equal(end, "", "what the server reads");
         co_await both.server.write_all("and yet");
         both.server.close();
         const std::string late = co_await both.client.read_to_end();
         context.equal(late, "and yet", "what the client reads");
       });
     }},
    {"both ends send their last, one after the other", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Connection both = co_await connect_pair(context.reactor());
         co_await both.client.shutdown_write();
         co_await both.server.shutdown_write();
         const std::string one = co_await read_text(both.client);
         const std::string other = co_await read_text(both.server);
         context.equal(one + other, "", "what both read");
         context.check(both.client.is_open() && both.server.is_open(), "until they are closed");
       });
     },
     "tcp.doubleHalfClose"},
    {"writing after one's last is an error, not a signal", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Connection both = co_await connect_pair(context.reactor());
         co_await both.client.shutdown_write();
         const auto outcome = co_await as_outcome(both.client.write_all("more"));
         context.check(failed_with(outcome, std::errc::broken_pipe), "the error says so");
       });
     }},
    {"writing after close() is refused", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Connection both = co_await connect_pair(context.reactor());
         both.client.close();
         const auto wrote = co_await as_outcome(both.client.write_all("more"));
         const auto read = co_await as_outcome(read_text(both.client));
         context.check(failed_with(wrote, io::Errc::closed), "to the writer");
         context.check(failed_with(read, io::Errc::closed), "and to the reader");
       });
     },
     "tcp.writeAfterDisconnect tcp.resumeProducingWhileDisconnected"},
    {"writing to a peer that is gone is an error in the end, and no signal", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Connection both = co_await connect_pair(context.reactor());
         both.server.close();
         std::size_t written = 0;
         const auto outcome = co_await as_outcome(write_for_ever(both.client, written));
         context.check(failed_with(outcome, std::errc::broken_pipe) ||
                           failed_with(outcome, std::errc::connection_reset),
                       "the error says so");
       });
     }},
    {"a reader that waits is told of a reset", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Connection both = co_await connect_pair(context.reactor());
         Spawned<std::string> reader = spawn(context.reactor(), read_text(both.server));
         co_await pauses(3);
         abort_connection(both.client);
         const auto outcome = co_await as_outcome(std::move(reader));
         context.check(failed_with(outcome, std::errc::connection_reset), "the error says so");
       });
     }},
    {"a writer that waits is told of a reset", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Connection both = co_await connect_pair(context.reactor());
         std::size_t written = 0;
         Spawned<void> writer = co_await stuck_writer(context.reactor(), both.client, written);
         abort_connection(both.server);
         const auto outcome = co_await as_outcome(std::move(writer));
         context.check(!outcome.has_value(), "it ends with an error");
       });
     }},
    {"a peer's end is noticed by a reader that rested meanwhile", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Connection both = co_await connect_pair(context.reactor());
         co_await both.client.write_all("x");
         const std::string first = co_await read_text(both.server);
         both.client.close();
         co_await pauses(5);
         const std::string end = co_await read_text(both.server);
         context.equal(first + end, "x", "what is read");
       });
     },
     "tcp.connectionLostAfterPausedTransport"},
    {"a closed connection is not watched any more", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Connection both = co_await connect_pair(context.reactor());
         Spawned<std::string> reader = spawn(context.reactor(), read_text(both.server));
         co_await pauses(3);
         both.client.close();
         const std::string end = co_await std::move(reader);
         both.server.close();
         context.equal(context.reactor().watch_count(), std::size_t{0}, "the number of watches");
       });
     }},
    {"a writer that goes on after its connection has ended is not watched again", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Connection both = co_await connect_pair(context.reactor());
         std::size_t written = 0;
         Spawned<void> writer = co_await stuck_writer(context.reactor(), both.client, written);
         abort_connection(both.server);
         const auto outcome = co_await as_outcome(std::move(writer));
         context.check(!outcome.has_value(), "the writer is told");
         for (const bool open : {true, false}) {
           if (!open) both.client.close();
           const auto again = co_await as_outcome(both.client.write_all("more"));
           context.check(!again.has_value(), "and told again");
         }
         context.equal(context.reactor().watch_count(), std::size_t{0}, "the number of watches");
       });
     },
     "tcp.unregisterProducerAfterDisconnect"},
    {"closing a stream while a writer waits ends the writer", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Connection both = co_await connect_pair(context.reactor());
         std::size_t written = 0;
         Spawned<void> writer = co_await stuck_writer(context.reactor(), both.client, written);
         both.client.close();
         const auto outcome = co_await as_outcome(std::move(writer));
         context.check(failed_with(outcome, io::Errc::closed), "it is told so");
       });
     },
     "tcp.disconnectWhileProducing"},
    {"nothing is kept of a task whose connection has ended", descriptors,
     [](Context& c) {
       int ends = 0;
       c.run([&ends](Context& context) -> Task<void> {
         Connection both = co_await connect_pair(context.reactor());
         const auto hold = [](Stream stream, NotedEnd) -> Task<void> {
           const std::string end = co_await read_text(stream);
         };
         Spawned<void> holder =
             spawn(context.reactor(), hold, std::move(both.server), NotedEnd(ends));
         co_await pauses(2);
         both.client.close();
         co_await std::move(holder);
       });
       c.equal(ends, 1, "the number of ended tasks' arguments");
     },
     "tcp.protocolGarbageAfterLostConnection"},
    {"a client aborts twice", descriptors,
     [](Context& c) { c.run([](Context& x) { return end_twice(x, false, false); }); },
     "tcp.clientAbortsConnectionTwice"},
    {"a client aborts and then closes", descriptors,
     [](Context& c) { c.run([](Context& x) { return end_twice(x, false, true); }); },
     "tcp.clientAbortsConnectionThenLosesConnection"},
    {"a server aborts twice", descriptors,
     [](Context& c) { c.run([](Context& x) { return end_twice(x, true, false); }); },
     "tcp.serverAbortsConnectionTwice"},
    {"a server aborts and then closes", descriptors,
     [](Context& c) { c.run([](Context& x) { return end_twice(x, true, true); }); },
     "tcp.serverAbortsConnectionThenLosesConnection"},
    {"a reader aborts its connection on what it reads", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Connection both = co_await connect_pair(context.reactor());
         const auto abort_on_data = [](Stream& stream) -> Task<void> {
           const std::string data = co_await read_text(stream);
           abort_connection(stream);
         };
         Spawned<void> reader = spawn(context.reactor(), abort_on_data(both.server));
         co_await both.client.write_all("please don't");
         co_await std::move(reader);
         const auto outcome = co_await as_outcome(read_text(both.client));
         context.check(failed_with(outcome, std::errc::connection_reset), "the peer is told");
       });
     },
     "tcp.dataReceivedAbort"},
    {"a reader that throws on what it reads ends its own connection only", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Connection both = co_await connect_pair(context.reactor());
         const auto throw_on_data = [](Stream stream) -> Task<void> {
           const std::string data = co_await read_text(stream);
           throw std::runtime_error("bad data: " + data);
         };
         spawn(context.reactor(), throw_on_data, std::move(both.server));
         co_await both.client.write_all("rubbish");
         const auto outcome = co_await as_outcome(read_text(both.client));
         context.check(!outcome.has_value() || outcome->empty(), "the peer is told");
       });
       c.equal(c.report_texts(), "bad data: rubbish", "what is reported");
     },
     "tcp.dataReceivedThrows"},
    {"an abort with full buffers ends both sides", descriptors,
     [](Context& c) { c.run([](Context& x) { return abort_with_full_buffers(x, false); }); },
     "tcp.fullWriteBuffer"},
    {"an abort with full buffers after an exchange ends both sides", descriptors,
     [](Context& c) { c.run([](Context& x) { return abort_with_full_buffers(x, true); }); },
     "tcp.fullWriteBufferAfterByteExchange"},
    {"a writer aborts between two writes", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Connection both = co_await connect_pair(context.reactor());
         co_await both.client.write_all("begun");
         abort_connection(both.client);
         const auto wrote = co_await as_outcome(both.client.write_all("never"));
         context.check(failed_with(wrote, io::Errc::closed), "the second write is refused");
         co_await pauses(2);
         const auto outcome = co_await as_outcome(both.server.read_to_end());
         context.check(failed_with(outcome, std::errc::connection_reset), "the peer is told");
       });
     },
     "tcp.resumeProducingAbort"},
    {"a connection is aborted by a post while its writer waits", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Connection both = co_await connect_pair(context.reactor());
         std::size_t written = 0;
         Spawned<void> writer = co_await stuck_writer(context.reactor(), both.client, written);
         context.reactor().post([&both] { abort_connection(both.client); });
         const auto outcome = co_await as_outcome(std::move(writer));
         context.check(failed_with(outcome, io::Errc::closed), "the writer is told");
       });
     },
     "tcp.resumeProducingAbortLater"},
    {"a writer that throws between two writes ends its own connection only", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Connection both = co_await connect_pair(context.reactor());
         const auto throw_later = [](Stream stream) -> Task<void> {
           co_await stream.write_all("half");
           throw std::runtime_error("no other half");
         };
         spawn(context.reactor(), throw_later, std::move(both.client));
         const std::string got = co_await both.server.read_to_end();
         context.equal(got, "half", "what is read");
       });
       c.equal(c.report_texts(), "no other half", "what is reported");
     },
     "tcp.resumeProducingThrows"},
};

}  // namespace

std::span<const ConformanceCase> tcp_ending_cases() { return cases_of_tcp_ending; }

}  // namespace deferred::testing::conformance
