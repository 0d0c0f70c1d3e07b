// SPDX-License-Identifier: MIT
//
// Streams over TCP, on the loopback, netstrings and endpoints; locks on files.
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>

#include "tests/allocation_failure/programs.hpp"

using namespace std::chrono_literals;

namespace deferred::testing {
namespace {

using io::Listener;
using io::Stream;

/// The two ends of a connection.
class Ends {
 public:
  Ends(Stream one, Stream other) : near(std::move(one)), far(std::move(other)) {}
  Stream near;
  Stream far;
};
/// Made with memory.
Ends connected(Reactor& reactor) {
  const AllocationsSucceed memory;
  Listener listener = io::listen(reactor, "127.0.0.1", 0);
  Deferred<Stream> near = spawn(reactor, io::connect("127.0.0.1", listener.port()));
  Deferred<Stream> far = spawn(reactor, listener.accept());
  turn_until(reactor, [&] { return near.has_result() && far.has_result(); });
  Stream one = std::move(near).result().value();
  Stream other = std::move(far).result().value();
  return Ends(std::move(one), std::move(other));
}
std::string pattern(std::size_t size) { return std::string(size, 'x'); }

void listening(Reactor& reactor) {
  Listener listener = io::listen(reactor, "127.0.0.1", 0);
  Listener other = io::listen("127.0.0.1", 0);
  right(listener.is_open() && listener.port() != 0 && listener.acceptor().descriptor() >= 0,
        "it listens");
  right(&listener.reactor() == &reactor, "it is the reactor's");
  right(listener.local().starts_with("127.0.0.1:"), "its address");
  listener.close();
  right(!listener.is_open(), "it is closed");
}

// An accept or a connect that fails takes no connection and no descriptor with it, and the next
// works.
void accepting(Reactor& reactor) {
  std::optional<Listener> listener;
  {
    const AllocationsSucceed memory;
    listener = io::listen(reactor, "127.0.0.1", 0);
  }
  const auto accept = [&listener]() -> Task<bool> {
    Stream stream = co_await listener->accept();
    co_return stream.is_open();
  };
  Spawned<bool> accepted = spawn(reactor, accept);
  const ClosedAtEnd closed(accepted.task());
  Deferred<bool> result = std::move(accepted).deferred();
  const auto dial = [&reactor, &listener]() -> Task<bool> {
    Stream stream = co_await io::connect("127.0.0.1", listener->port());
    co_return stream.is_open();
  };
  const Outcome<bool> dialled = end_of(reactor, dial);
  has_value_or_no_memory(dialled, true);
  if (!dialled.has_value()) {
    const AllocationsSucceed memory;
    right(end_of(reactor, dial).has_value(), "a connect after one that failed does not connect");
  }
  turn_until(reactor, [&] { return result.has_result(); });
  right(result.has_result(), "a connection is not accepted");
  const Outcome<bool> came = std::move(result).result();
  has_value_or_no_memory(came, true);
  if (came.has_value()) return;
  const AllocationsSucceed memory;
  Spawned<bool> again = spawn(reactor, accept);
  const ClosedAtEnd closed_too(again.task());
  const auto dialled_too = end_of(reactor, dial);
  right(dialled_too.has_value() && end_of(reactor, std::move(again)).has_value(),
        "an accept after one that failed does not accept");
}
void connecting_to_nobody(Reactor& reactor) {
  const auto body = [&reactor]() -> Task<> {
    Stream stream = co_await io::connect("no address", 1);
  };
  const Outcome<void> outcome = end_of(reactor, body);
  right(out_of_memory(outcome) || outcome.check<std::system_error>(), "another error");
  const auto here = []() -> Task<> { Stream stream = co_await io::connect("127.0.0.1", 1); };
  const Outcome<void> refused = end_of(reactor, here);
  right(out_of_memory(refused) || refused.check<std::system_error>(), "another error");
}

void looking_at_streams(Reactor& reactor) {
  const Stream none;
  right(!none.is_open() && none.peer().empty(), "a stream without a connection is closed");
  Ends ends = connected(reactor);
  right(ends.near.is_open() && ends.near.transport().descriptor() >= 0 &&
            &ends.near.reactor() == &reactor,
        "open");
  right(ends.near.peer() == ends.far.local(), "its addresses");
  right(ends.near.buffered().empty(), "nothing is read yet");
  const auto shut = [&ends]() -> Task<> { co_await ends.near.shutdown_write(); };
  has_value_or_no_memory(end_of(reactor, shut));
  ends.near.close();
  right(!ends.near.is_open(), "it is closed");
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
// More than the socket takes at once: both sides wait.
void large_transfers(Reactor& reactor) {
  Ends ends = connected(reactor);
  std::string text;
  {
    const AllocationsSucceed memory;
    text = pattern(4 << 20);
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
  turn_until(reactor, [&] { return written.has_result() || got.has_result(); });
  turn_until(reactor, [&] { return written.has_result() && got.has_result(); });
  if (!written.has_result() || !got.has_result()) {  // one has failed: the other waits for it
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
    if (allocation_failed()) {
      const auto again = [&ends]() -> Task<> { co_await ends.near.write_all("four"); };
      static_cast<void>(end_of(reactor, again));
    }
  }
  Task<std::size_t> read = ends.far.read_some(buffer);
  const auto got = end_of(reactor, spawn(reactor, std::move(read)));
  right(got.has_value() ? *got >= 4 : out_of_memory(got), "another result");
}
// What came is kept, whatever fails: a reader of messages goes on.
void reading_messages(Reactor& reactor) {
  Ends ends = connected(reactor);
  const auto write = [&ends]() -> Task<> { co_await ends.near.write_all("5:hello,5:again,"); };
  {
    const AllocationsSucceed memory;
    has_value_or_no_memory(end_of(reactor, write));
  }
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
  {
    const AllocationsSucceed memory;
    const auto write = [&ends]() -> Task<> { co_await ends.near.write_all("four"); };
    has_value_or_no_memory(end_of(reactor, write));
  }
  const auto read = [&ends]() -> Task<bool> { co_return co_await ends.far.read_more(); };
  const Outcome<bool> more = end_of(reactor, read);
  has_value_or_no_memory(more, true);
  if (!more.has_value()) {
    const AllocationsSucceed memory;
    if (ends.far.buffered().empty()) has_value_or_no_memory(end_of(reactor, read), true);
  }
  right(ends.far.buffered() == "four", "bytes are lost");
  ends.far.consume(4);
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
void cancelled_while_accepting(Reactor& reactor) {
  std::optional<Listener> listener;
  {
    const AllocationsSucceed memory;
    listener = io::listen(reactor, "127.0.0.1", 0);
  }
  const auto accept = [&listener]() -> Task<> { Stream stream = co_await listener->accept(); };
  Spawned<void> task = spawn(reactor, accept);
  const ClosedAtEnd closed(task.task());
  turns(reactor, 2);
  task.task().cancel();
  const Outcome<void> outcome = end_of(reactor, std::move(task));
  right(out_of_memory(outcome) || outcome.check<Cancelled>(), "another error");
}

void netstrings(Reactor&) {
  right(io::encode_netstring("a text that is not short any more") ==
            "33:a text that is not short any more,",
        "a netstring is a netstring");
  const auto parsed = io::parse_netstring("5:hello,rest", 100);
  right(parsed && parsed->text == "hello" && parsed->size == 8, "a netstring is found");
  const io::ParsedMessage made("hello", 8);
  right(made.size == 8, "it holds what it is given");
  io::NetstringDecoder decoder;
  const std::string_view bytes = "40:0123456789012345678901234567890123456789,5:hello,";
  bool fed = true;
  try {
    decoder.feed(bytes);
  } catch (const std::bad_alloc&) {
    fed = false;
  }
  right(decoder.pending() == (fed ? bytes.size() : 0), "a feed that failed has fed something");
  if (!fed) decoder.feed(bytes);
  std::optional<std::string> first;
  try {
    first = decoder.next();
  } catch (const std::bad_alloc&) {
    right(decoder.pending() == bytes.size(), "a netstring is lost");
    first = decoder.next();
  }
  right(first && first->size() == 40, "a netstring is lost");
  const std::optional<std::string> second = decoder.next();
  right(second && *second == "hello" && decoder.pending() == 0, "a netstring is lost");
}
// An error is told as one if there is memory for its text, and else as std::bad_alloc.
void endpoints(Reactor&) {
  const auto endpoint =
      io::Endpoint::parse("tls:a-name-that-is-not-short-any-more.example:443:ca=/etc/ca");
  right(endpoint.kind() == "tls" && endpoint.parts().size() == 2, "an endpoint is taken apart");
  right(endpoint.part(1) == "443" && endpoint.port(1) == 443, "its parts");
  right(endpoint.option("ca") != nullptr && endpoint.option("key") == nullptr, "its options");
  right(endpoint.text() == "tls:" + io::escape(endpoint.part(0)) + ":443:ca=/etc/ca", "its text");
  endpoint.require("tls:HOST:PORT", 2, 2, {"ca", "key"});
  try {
    endpoint.refuse("there is no TLS here");
  } catch (const std::system_error& error) {
    right(error.code() == io::Errc::bad_endpoint, "another error");
  }
}
void errors(Reactor&) {
  const std::error_code code = io::make_error_code(io::Errc::closed);
  right(code.category() == io::error_category() && !code.message().empty(), "an error has a text");
}

// A lock that could not be had is nobody's, and one that was had comes back.
void locking_files(Reactor& reactor) {
  struct Folder {
    Folder() {
      const AllocationsSucceed memory;
      std::string name = std::filesystem::temp_directory_path() / "deferred.XXXXXX";
      right(::mkdtemp(name.data()) != nullptr, "there is no folder to try in");
      path = name + "/a lock with a name that is long";
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
      const AllocationsSucceed memory;
      std::filesystem::remove_all(path.parent_path());
    }
    std::filesystem::path path;
  } const folder;
  const auto hold = [&folder]() -> Task<int> {
    io::FileLock lock = co_await io::lock_file(folder.path, 1ms);
    co_await Pause{2ms};
    const bool held = lock.held();
    lock.unlock();
    co_return held ? 1 : 0;
  };
  Spawned<int> first = spawn(reactor, hold);
  const ClosedAtEnd closed(first.task());
  Deferred<int> one = std::move(first);
  has_value_or_no_memory(end_of(reactor, hold), 1);
  has_value_or_no_memory(end_of(reactor, std::move(one)), 1);
  const AllocationsSucceed memory;
  right(io::try_lock_file(folder.path).has_value(), "a lock does not come back");
}

}  // namespace

Programs io_programs() {
  return {
      {"lock_file",
       {"deferred::io::lock_file()", "deferred::io::try_lock_file()",
        "deferred::io::FileLock::unlock()", "deferred::io::FileLock::held()"},
       &locking_files},
      {"Listener",
       {"deferred::io::Listener::Listener()", "deferred::io::Listener::close()",
        "deferred::io::Listener::fd()", "deferred::io::Listener::is_open()",
        "deferred::io::Listener::local()", "deferred::io::Listener::port()",
        "deferred::io::Listener::reactor()"},
       &listening},
      {"accept and connect",
       {"deferred::io::Listener::accept()", "deferred::io::connect()"},
       &accepting},
      {"connect that fails", {"deferred::io::connect()"}, &connecting_to_nobody},
      {"accept, cancelled", {"deferred::io::Listener::accept()"}, &cancelled_while_accepting},
      {"Stream",
       {"deferred::io::Stream::Stream()", "deferred::io::Stream::buffered()",
        "deferred::io::Stream::close()", "deferred::io::Stream::fd()",
        "deferred::io::Stream::is_open()", "deferred::io::Stream::local()",
        "deferred::io::Stream::peer()", "deferred::io::Stream::reactor()",
        "deferred::io::Stream::shutdown_write()"},
       &looking_at_streams},
      {"read_some and write_all",
       {"deferred::io::Stream::read_some()", "co_await deferred::io::ReadSome",
        "deferred::io::ReadSome::ReadSome()", "deferred::io::Stream::write_all()",
        "co_await deferred::io::WriteAll", "deferred::io::WriteAll::WriteAll()"},
       &reading_and_writing},
      {"large transfers", {"deferred::io::Stream::read_to_end()"}, &large_transfers},
      {"transfers as tasks",
       {"deferred::io::ReadSome::operator Task()", "deferred::io::WriteAll::operator Task()"},
       &transfers_as_tasks},
      {"read_netstring", {"deferred::io::read_netstring()"}, &reading_messages},
      {"read_more",
       {"deferred::io::Stream::read_more()", "deferred::io::Stream::consume()"},
       &reading_more},
      {"a stream that is closed under its reader",
       {"deferred::io::Stream::close()"},
       &closed_while_read},
      {"netstrings",
       {"deferred::io::encode_netstring()", "deferred::io::parse_netstring()",
        "deferred::io::ParsedMessage::ParsedMessage()",
        "deferred::io::NetstringDecoder::NetstringDecoder()",
        "deferred::io::NetstringDecoder::feed()", "deferred::io::NetstringDecoder::next()",
        "deferred::io::NetstringDecoder::pending()"},
       &netstrings},
      {"endpoints",
       {"deferred::io::Endpoint::parse()", "deferred::io::Endpoint::kind()",
        "deferred::io::Endpoint::parts()", "deferred::io::Endpoint::part()",
        "deferred::io::Endpoint::port()", "deferred::io::Endpoint::option()",
        "deferred::io::Endpoint::text()", "deferred::io::Endpoint::require()",
        "deferred::io::Endpoint::refuse()", "deferred::io::escape()"},
       &endpoints},
      {"errors of io",
       {"deferred::io::error_category()", "deferred::io::make_error_code()"},
       &errors},
  };
}

}  // namespace deferred::testing
