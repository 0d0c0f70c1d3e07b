// SPDX-License-Identifier: MIT
//
// Streams over the loopback: reads, writes and their ends. Whatever fails, no byte is lost or comes
// twice.
#include <array>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "tests/allocation_failure/io_ends.hpp"

namespace deferred::testing {
namespace {

using io::Stream;

void looking_at_streams(Reactor& reactor) {
  const Stream none;
  right(!none.is_open() && none.peer().empty(), "a stream without a connection is closed");
  Ends ends = connected(reactor);
  right(ends.near.is_open() && &ends.near.reactor() == &reactor, "open");
  right(ends.near.peer() == ends.far.local(), "its addresses");
  right(ends.near.buffered().empty(), "nothing is read yet");
  right(ends.near.bytes_read() == 0 && ends.near.bytes_written() == 0, "nor counted");
  const io::Transport& transport = ends.near.transport();
  right(transport.is_open() && transport.descriptor() >= 0 && !transport.is_drained(), "open");
  right(transport.local() == ends.near.local() && transport.peer() == ends.near.peer(), "its own");
  right(&transport.reactor() == &reactor, "its reactor");
  right(!transport.readable().waited_for() && !transport.writable().waited_for(), "nobody waits");
  std::array<char, 10> buffer;
  right(ends.near.read_some(buffer).describe() == "read from " + ends.near.peer(), "described");
  ends.far.close();
  ends.near.abort();
  right(!ends.near.is_open() && !ends.far.is_open(), "it is closed");
}

void reading_and_writing(Reactor& reactor) {
  Ends ends = connected(reactor);
  const auto write = [&ends]() -> Task<> { co_await ends.near.write_all("four"); };
  std::array<char, 100> buffer;
  const auto read = [&]() -> Task<std::size_t> { co_return co_await ends.far.read_some(buffer); };
  Spawned<std::size_t> reader = spawn(reactor, read);
  const ClosedAtEnd closed(reader.task());
  Deferred<std::size_t> got = std::move(reader).deferred();
  turns(reactor, 2);
  const Outcome<void> written = end_of(reactor, write);
  has_value_or_no_memory(written);
  if (!written.has_value()) {
    const AllocationsSucceed memory;
    has_value_or_no_memory(end_of(reactor, write));
  }
  turn_until(reactor, [&] { return got.has_result(); });
  right(got.has_result(), "a reader is not woken");
  const Outcome<std::size_t> first = std::move(got).result();
  has_value_or_no_memory(first, 4U);
  if (first.has_value()) return;
  const AllocationsSucceed memory;
  const auto again = end_of(reactor, read);
  right(again.has_value() && *again == 4, "a read that failed has lost bytes");
}
// A part is written or none of it, and how much is counted.
void writing_parts(Reactor& reactor) {
  Ends ends = connected(reactor);
  const auto write = [&ends]() -> Task<std::size_t> {
    co_return co_await ends.near.write_some("part");
  };
  Outcome<std::size_t> written = end_of(reactor, write);
  has_value_or_no_memory(written, 4U);
  const AllocationsSucceed memory;
  if (!written.has_value()) {
    right(ends.near.bytes_written() == 0, "a write that failed has written");
    written = end_of(reactor, write);
    right(written.has_value(), "a write after one that failed does not write");
  }
  right(heard(reactor, ends.far) == "part", "what was written does not come");
}
// More than the socket takes at once: both sides wait.
void large_transfers(Reactor& reactor) {
  Ends ends = connected(reactor);
  std::string text;
  {
    const AllocationsSucceed memory;
    text = std::string(4 << 20, 'x');
  }
  const auto write = [&]() -> Task<> {
    co_await ends.near.write_all(text);
    co_await ends.near.shutdown_write();
  };
  const auto read = [&]() -> Task<bool> {
    const std::string got = co_await ends.far.read_to_end(8 << 20);
    co_return got.size() == text.size();
  };
  Spawned<void> writer = spawn(reactor, write);
  const ClosedAtEnd writer_closed(writer.task());
  Spawned<bool> reader = spawn(reactor, read);
  const ClosedAtEnd reader_closed(reader.task());
  Deferred<void> written = std::move(writer).deferred();
  Deferred<bool> got = std::move(reader).deferred();
  const auto over = [&] {  // if one has failed, the other waits for it
    const bool all = written.has_result() && got.has_result();
    return all || (allocation_failed() && (written.has_result() || got.has_result()));
  };
  turn_until(reactor, over);
  if (!written.has_result() || !got.has_result()) {
    right(allocation_failed(), "a transfer does not come to its end");
    right(written.has_result() || got.has_result(), "a transfer does not go on");
    ends.near.close();
    ends.far.close();
    turns(reactor, 3);
    right(written.has_result() && got.has_result(), "a closed stream does not tell its tasks");
    static_cast<void>(std::move(written).result());
    static_cast<void>(std::move(got).result());
    return;
  }
  has_value_or_no_memory(std::move(written).result());
  const Outcome<bool> whole = std::move(got).result();
  right(out_of_memory(whole) || whole.has_value(), "another error");
}
void transfers_as_tasks(Reactor& reactor) {
  Ends ends = connected(reactor);
  std::array<char, 100> buffer;
  Task<void> write = ends.near.write_all("four");
  has_value_or_no_memory(end_of(reactor, spawn(reactor, std::move(write))));
  {
    const AllocationsSucceed memory;
    if (allocation_failed()) say(reactor, ends.near, "four");
  }
  Task<std::size_t> read = ends.far.read_some(buffer);
  const auto got = end_of(reactor, spawn(reactor, std::move(read)));
  right(got.has_value() ? *got >= 4 : out_of_memory(got), "another result");
  Task<std::size_t> part = ends.near.write_some("four");
  has_value_or_no_memory(end_of(reactor, spawn(reactor, std::move(part))), 4U);
}
// What came is kept, whatever fails: a reader of messages goes on.
void reading_messages(Reactor& reactor) {
  Ends ends = connected(reactor);
  say(reactor, ends.near, "5:hello,5:again,");
  const auto read = [&ends]() -> Task<std::optional<std::string>> {
    co_return co_await io::read_netstring(ends.far);
  };
  std::string all;
  {
    const AllocationsSucceed memory;
    all.reserve(100);
  }
  for (int i = 0; i != 2; ++i) {
    Outcome<std::optional<std::string>> got{std::optional<std::string>()};
    try {
      got = end_of(reactor, read);
    } catch (const std::bad_alloc&) {
      got = Failure::current();
    }
    if (!got.has_value()) {
      right(out_of_memory(got), "another error");
      const AllocationsSucceed memory;
      got = end_of(reactor, read);
      right(got.has_value(), "a read after one that failed does not read");
    }
    right(got->has_value(), "an end where there is a message");
    all += **got;
  }
  right(all == "helloagain", "a message is lost");
}
void reading_more(Reactor& reactor) {
  Ends ends = connected(reactor);
  say(reactor, ends.near, "four");
  const auto read = [&ends]() -> Task<bool> { co_return co_await ends.far.read_more(); };
  const Outcome<bool> more = end_of(reactor, read);
  has_value_or_no_memory(more, true);
  if (!more.has_value()) {
    const AllocationsSucceed memory;
    if (ends.far.buffered().empty()) has_value_or_no_memory(end_of(reactor, read), true);
  }
  right(ends.far.buffered() == "four", "bytes are lost");
  right(ends.far.bytes_read() == 4, "bytes are not counted");
  ends.far.consume(4);
}
// What had come when it failed is there for the next.
void reading_exactly(Reactor& reactor) {
  Ends ends = connected(reactor);
  say(reactor, ends.near, "the first");
  std::array<char, 15> buffer;
  const auto read = [&]() -> Task<> { co_await ends.far.read_exactly(buffer); };
  Spawned<void> reader = spawn(reactor, read);
  const ClosedAtEnd closed(reader.task());
  Deferred<void> done = std::move(reader).deferred();
  turns(reactor, 3);
  say(reactor, ends.near, "second");
  Outcome<void> outcome = end_of(reactor, std::move(done));
  has_value_or_no_memory(outcome);
  const AllocationsSucceed memory;
  if (!outcome.has_value()) outcome = end_of(reactor, read);
  right(outcome.has_value(), "a read after one that failed does not read");
  right(std::string(buffer.data(), buffer.size()) == "the firstsecond", "bytes are lost");
}
// A stream that is closed under its reader tells him.
void closed_while_read(Reactor& reactor) {
  Ends ends = connected(reactor);
  std::array<char, 100> buffer;
  const auto read = [&]() -> Task<std::size_t> { co_return co_await ends.far.read_some(buffer); };
  Spawned<std::size_t> reader = spawn(reactor, read);
  const ClosedAtEnd closed(reader.task());
  Deferred<std::size_t> got = std::move(reader).deferred();
  turns(reactor, 2);
  ends.far.close();
  turns(reactor, 2);
  right(got.has_result(), "a reader of a closed stream is not told");
  const Outcome<std::size_t> outcome = std::move(got).result();
  right(out_of_memory(outcome) || outcome.check<std::system_error>(), "another error");
}
void ending_writes(Reactor& reactor) {
  Ends ends = connected(reactor);
  const auto end = [&ends]() -> Task<> { co_await ends.near.shutdown_write(); };
  const Outcome<void> ended = end_of(reactor, end);
  has_value_or_no_memory(ended);
  const AllocationsSucceed memory;
  if (!ended.has_value()) right(end_of(reactor, end).has_value(), "it cannot be said again");
  right(heard(reactor, ends.far).empty(), "no end is told");
}
// Whatever comes of it, a stream that lingers is closed.
void lingering(Reactor& reactor) {
  Ends ends = connected(reactor);
  say(reactor, ends.far, "nobody reads this");
  say(reactor, ends.near, "the last");
  Spawned<void> lingers = spawn(reactor, io::linger_close(ends.near));
  const ClosedAtEnd closed(lingers.task());
  turns(reactor, 3);
  if (!allocation_failed()) {
    right(heard(reactor, ends.far) == "the last", "the last that was written is lost");
  }
  ends.far.close();
  has_value_or_no_memory(end_of(reactor, std::move(lingers)));
  right(!ends.near.is_open(), "it is left open");
}

}  // namespace

Programs io_stream_programs() {
  return {
      {"Stream",
       {"deferred::io::Stream::Stream()",        "deferred::io::Stream::buffered()",
        "deferred::io::Stream::close()",         "deferred::io::Stream::abort()",
        "deferred::io::Stream::is_open()",       "deferred::io::Stream::local()",
        "deferred::io::Stream::peer()",          "deferred::io::Stream::reactor()",
        "deferred::io::Stream::bytes_read()",    "deferred::io::Stream::bytes_written()",
        "deferred::io::Stream::transport()",     "deferred::io::Transport::descriptor()",
        "deferred::io::Transport::is_drained()", "deferred::io::Transport::is_open()",
        "deferred::io::Transport::local()",      "deferred::io::Transport::peer()",
        "deferred::io::Transport::reactor()",    "deferred::io::Transport::readable()",
        "deferred::io::Transport::writable()",   "deferred::io::ReadSome::describe()"},
       &looking_at_streams},
      {"read_some and write_all",
       {"deferred::io::Stream::read_some()", "co_await deferred::io::ReadSome",
        "deferred::io::ReadSome::ReadSome()", "deferred::io::Stream::write_all()",
        "co_await deferred::io::WriteAll", "deferred::io::WriteAll::WriteAll()"},
       &reading_and_writing},
      {"write_some",
       {"deferred::io::Stream::write_some()", "co_await deferred::io::WriteSome",
        "deferred::io::WriteSome::WriteSome()"},
       &writing_parts},
      {"large transfers", {"deferred::io::Stream::read_to_end()"}, &large_transfers},
      {"transfers as tasks",
       {"deferred::io::ReadSome::operator Task()", "deferred::io::WriteAll::operator Task()",
        "deferred::io::WriteSome::operator Task()"},
       &transfers_as_tasks},
      {"read_netstring", {"deferred::io::read_netstring()"}, &reading_messages},
      {"read_more",
       {"deferred::io::Stream::read_more()", "deferred::io::Stream::consume()"},
       &reading_more},
      {"read_exactly", {"deferred::io::Stream::read_exactly()"}, &reading_exactly},
      {"a stream that is closed under its reader",
       {"deferred::io::Stream::close()"},
       &closed_while_read},
      {"shutdown_write", {"deferred::io::Stream::shutdown_write()"}, &ending_writes},
      {"linger_close", {"deferred::io::linger_close()"}, &lingering},
  };
}

}  // namespace deferred::testing
