// SPDX-License-Identifier: MIT
// TCP: bytes that come and go, in order and whole, between fast and slow ends. (Twisted: test_tcp's
// transports, producers and consumers)
#include "deferred/io/errors.hpp"
#include "deferred/results/errors.hpp"
#include "deferred/testing/conformance/cases.hpp"
#include "deferred/testing/conformance/fixtures.hpp"
#include "deferred/yieldables/as_outcome.hpp"

namespace deferred::testing::conformance {
namespace {

using enum Capability;
using io::Stream;

Task<void> write_pieces(Stream& stream, std::string_view text, std::size_t piece) {
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
    co_await stream.write_all(text.substr(0, piece));
    co_await Pause{};
  }
  co_await stream.shutdown_write();
}

Task<void> echo(Stream& stream) {
  while (true) {
    const std::string text = co_await read_text(stream);
    if (text.empty()) break;
    co_await stream.write_all(text);
  }
  stream.close();
}

/// Of a server with `count` clients at once: each sends its own text and gets it back.
Task<void> echo_to_many(Context& c, int count) {
  std::vector<std::unique_ptr<Connection>> connections;
  std::vector<Spawned<void>> servers;
  std::vector<Spawned<std::string>> clients;
  const auto ask = [](Stream& stream, std::string text) -> Task<std::string> {
    co_await stream.write_all(text);
    std::string got = co_await read_exactly(stream, text.size());
    stream.close();
    co_return got;
  };
  for (int i = 0; i < count; ++i) {
    Connection made = co_await connect_pair(c.reactor());
    connections.push_back(std::make_unique<Connection>(std::move(made)));
    servers.push_back(spawn(c.reactor(), echo(connections.back()->server)));
    clients.push_back(
        spawn(c.reactor(), ask(connections.back()->client, "number " + std::to_string(i))));
  }
  for (int i = 0; i < count; ++i) {
    const std::string got = co_await std::move(clients[static_cast<std::size_t>(i)]);
    c.equal(got, "number " + std::to_string(i), "what one of the clients gets");
    co_await std::move(servers[static_cast<std::size_t>(i)]);
  }
}

const ConformanceCase cases_of_tcp_streams[] = {
    {"what one end writes the other reads, both ways", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Connection both = co_await connect_pair(context.reactor());
         co_await both.client.write_all("question");
         const std::string question = co_await read_exactly(both.server, 8);
         co_await both.server.write_all("answer");
         const std::string answer = co_await read_exactly(both.client, 6);
         context.equal(question, "question", "what the server reads");
         context.equal(answer, "answer", "what the client reads");
       });
     }},
    {"pieces that are written one after the other arrive in order and whole", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Connection both = co_await connect_pair(context.reactor());
         for (const char* piece : {"some ", "bytes", " for ", "you"}) {
           co_await both.client.write_all(piece);
         }
         co_await both.client.shutdown_write();
         const std::string all = co_await both.server.read_to_end();
         context.equal(all, "some bytes for you", "what is read");
       });
     },
     "tcp.writeSequeceWithoutWrite"},
    {"a read gives what is there, and does not wait for more", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Connection both = co_await connect_pair(context.reactor());
         co_await both.client.write_all("bit");
         const std::string got = co_await read_text(both.server);
         context.equal(got, "bit", "what is read");
       });
     }},
    {"a reader waits until there is something", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Connection both = co_await connect_pair(context.reactor());
         Spawned<std::string> reader = spawn(context.reactor(), read_text(both.server));
         co_await pauses(5);
         context.check(!reader.done(), "there is nothing yet");
         co_await both.client.write_all("now");
         const std::string got = co_await std::move(reader);
         context.equal(got, "now", "what is read");
       });
     }},
    {"a byte at a time arrives as written", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Connection both = co_await connect_pair(context.reactor());
         const std::string text = pattern(300);
         Spawned<void> writer = spawn(context.reactor(), write_pieces(both.client, text, 1));
         const std::string all = co_await both.server.read_to_end();
         co_await std::move(writer);
         context.check(all == text, "all bytes, in order");
       });
     }},
    {"a megabyte arrives whole at a reader that takes small bites", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Connection both = co_await connect_pair(context.reactor());
         const std::string text = pattern(1 << 20);
         Spawned<void> writer = spawn(context.reactor(), both.client.write_all(text));
         std::string all;
         while (all.size() < text.size()) {
           const std::string bite = co_await read_text(both.server, 4096);
           all += bite;
         }
         co_await std::move(writer);
         context.check(all == text, "all bytes, in order");
       });
     },
     "tcp.streamingProducer"},
    {"a writer waits while the reader does not read, and goes on when it does", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Connection both = co_await connect_pair(context.reactor());
         std::size_t written = 0;
         Spawned<void> writer = spawn(context.reactor(), write_for_ever(both.client, written));
         std::size_t before = 1;
         while (written != before) {
           before = written;
           co_await pauses(20);
         }
         for (int i = 0; i < 400 && written == before; ++i) {
           const std::string some = co_await read_text(both.server);
           co_await Pause{};
         }
         context.check(written > before, "it goes on");
         writer.task().cancel();
         const auto ended = co_await as_outcome(std::move(writer));
         context.check(ended.check<Cancelled>() != nullptr, "until it is cancelled");
       });
     },
     "tcp.nonStreamingProducer"},
    {"a reader that rests for a while gets all that came meanwhile", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Connection both = co_await connect_pair(context.reactor());
         co_await both.client.write_all("one ");
         const std::string first = co_await read_text(both.server);
         co_await both.client.write_all("two ");
         co_await pauses(5);
         co_await both.client.write_all("three");
         co_await pauses(5);
         const std::string rest = co_await read_exactly(both.server, 9);
         context.equal(first + rest, "one two three", "what is read");
       });
     },
     "tcp.stopStartReading tcp.resumeProducing"},
    {"both ends write at once, more than the buffers hold, and both read all", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Connection both = co_await connect_pair(context.reactor());
         const std::string text = pattern(2 << 20);
         Spawned<void> one = spawn(context.reactor(), write_pieces(both.client, text, 1 << 18));
         Spawned<void> two = spawn(context.reactor(), write_pieces(both.server, text, 1 << 18));
         Spawned<std::string> there = spawn(context.reactor(), both.server.read_to_end());
         const std::string here = co_await both.client.read_to_end();
         const std::string got = co_await std::move(there);
         co_await std::move(one);
         co_await std::move(two);
         context.check(here == text && got == text, "all bytes, in order, both ways");
       });
     }},
    {"ten clients talk to their servers at once", descriptors,
     [](Context& c) { c.run([](Context& context) { return echo_to_many(context, 10); }); }},
    {"a hundred clients talk to their servers at once", descriptors,
     [](Context& c) { c.run([](Context& context) { return echo_to_many(context, 100); }); }},
    {"a thousand questions and answers follow one another", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Connection both = co_await connect_pair(context.reactor());
         Spawned<void> server = spawn(context.reactor(), echo(both.server));
         for (int i = 0; i < 1000; ++i) {
           co_await both.client.write_all("?");
           const std::string answer = co_await read_text(both.client);
           context.equal(answer, "?", "an answer");
         }
         both.client.close();
         co_await std::move(server);
       });
     }},
    {"a second reader is refused while the first waits, which is not disturbed", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Connection both = co_await connect_pair(context.reactor());
         Spawned<std::string> first = spawn(context.reactor(), read_text(both.server));
         co_await pauses(2);
         const auto second = co_await as_outcome(read_text(both.server));
         context.check(failed_with(second, io::Errc::busy), "it is told so");
         co_await both.client.write_all("mine");
         const std::string got = co_await std::move(first);
         context.equal(got, "mine", "what the first reads");
       });
     }},
    {"a reader that is cancelled loses no byte", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Connection both = co_await connect_pair(context.reactor());
         std::string all;
         for (int i = 0; i < 10; ++i) {
           Spawned<std::string> reader = spawn(context.reactor(), read_text(both.server));
           co_await pauses(i % 3);
           co_await both.client.write_all(std::to_string(i));
           co_await pauses(i % 2);
           reader.task().cancel();
           const auto outcome = co_await as_outcome(std::move(reader));
           if (outcome.has_value()) all += *outcome;
         }
         co_await both.client.shutdown_write();
         const std::string rest = co_await both.server.read_to_end();
         context.equal(all + rest, "0123456789", "what is read in all");
       });
     }},
    {"a stream may be moved while a task waits on it", descriptors,
     [](Context& c) {
       c.run([](Context& context) -> Task<void> {
         Connection both = co_await connect_pair(context.reactor());
         Spawned<std::string> reader = spawn(context.reactor(), read_text(both.server));
         co_await pauses(3);
         const Stream moved = std::move(both.server);
         co_await both.client.write_all("here");
         const std::string got = co_await std::move(reader);
         context.equal(got, "here", "what is read");
       });
     }},
};

}  // namespace

std::span<const ConformanceCase> tcp_stream_cases() { return cases_of_tcp_streams; }

}  // namespace deferred::testing::conformance
