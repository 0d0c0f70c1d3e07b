// SPDX-License-Identifier: MIT
//
// What streams are made of: a transport of one's own, the readiness of a descriptor, pipes, the
// standard streams, and what comes over a Unix socket beside bytes.
#include <fcntl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>
#include <system_error>
#include <utility>

#include "tests/allocation_failure/io_ends.hpp"
#include "tests/allocation_failure/two_ends.hpp"

namespace deferred::testing {
namespace {

using io::Descriptor;
using io::Stream;

/// Readiness that a timer reports.
class Soon final : public io::Readiness {
 public:
  explicit Soon(Reactor& reactor) noexcept : Readiness(reactor) {}

 private:
  void arm() override {
    timer_ = reactor().call_later(std::chrono::milliseconds(1), [this] { report(); });
  }
  void disarm() noexcept override { timer_.cancel(); }

  DelayedCall timer_;
};

/// Gives back what it was given, byte by byte: each comes when it is written, and the next has to
/// wait for it.
class Echo final : public io::Transport {
 public:
  explicit Echo(Reactor& reactor)
      : Transport(reactor, "itself", full_, empty_), full_(reactor), empty_(reactor) {}

  std::optional<std::size_t> try_read(std::span<char> into) override {
    if (!has_) {
      if (ended_) return 0;
      return std::nullopt;
    }
    has_ = false;
    into[0] = byte_;
    return 1;
  }
  std::optional<std::size_t> try_write(std::string_view data) override {
    if (has_) return std::nullopt;
    has_ = true;
    byte_ = data[0];
    return 1;
  }
  bool try_shutdown_write() override {
    ended_ = true;
    return true;
  }

 private:
  void do_close(io::Ending) noexcept override {
    full_.ignore();
    empty_.ignore();
  }

  Soon full_;
  Soon empty_;
  char byte_ = ' ';
  bool has_ = false;
  bool ended_ = false;
};
void transports(Reactor& reactor) {
  Stream stream = io::make_stream<Echo>(reactor);
  right(stream.transport().try_flush(), "a transport that keeps nothing is flushed");
  const auto write = [&stream]() -> Task<> {
    co_await stream.write_all("hello");
    co_await stream.shutdown_write();
  };
  Spawned<void> writer = spawn(reactor, write);
  const ClosedAtEnd closed(writer.task());
  Deferred<void> written = std::move(writer).deferred();
  const auto read = [&stream]() -> Task<std::string> {
    co_return co_await stream.read_to_end(100);
  };
  Spawned<std::string> reader = spawn(reactor, read);
  const ClosedAtEnd closed_too(reader.task());
  Deferred<std::string> got = std::move(reader).deferred();
  const auto over = [&] {  // if one has failed, the other waits for it
    const bool all = written.has_result() && got.has_result();
    return all || (allocation_failed() && (written.has_result() || got.has_result()));
  };
  turn_until(reactor, over);
  stream.close();
  turns(reactor, 3);
  right(written.has_result() && got.has_result(), "a closed stream does not tell its tasks");
  const Outcome<void> outcome = std::move(written).result();
  const Outcome<std::string> text = std::move(got).result();
  if (allocation_failed()) return;
  right(outcome.has_value() && text.has_value() && *text == "hello", "bytes are lost");
}
// What a transport's own operations do, called without a stream.
void trying_a_transport(Reactor& reactor) {
  const io::TransportPointer transport = io::TransportPointer::make<Echo>(reactor);
  std::array<char, 4> room;
  right(!transport->try_read(room), "nothing is there");
  right(transport->try_write("x") == 1U && transport->try_read(room) == 1U, "a byte");
  right(transport->try_shutdown_write() && transport->try_read(room) == 0U, "the end");
  transport->close(io::Ending::polite);
  right(!transport->is_open(), "it is closed");
}

void waiting_for_readiness(Reactor& reactor) {
  const TwoEnds pair;
  io::FdReadiness readable(reactor, pair[0], Ready::read);
  const auto wait = [&readable]() -> Task<> { co_await readable.wait(); };
  Spawned<void> waits = spawn(reactor, wait);
  const ClosedAtEnd closed(waits.task());
  Deferred<void> waited = std::move(waits).deferred();
  turns(reactor, 2);
  pair.write(1);
  has_value_or_no_memory(end_of(reactor, std::move(waited)));
  Spawned<void> again = spawn(reactor, wait);
  const ClosedAtEnd closed_too(again.task());
  turns(reactor, 2);
  readable.report();
  readable.end(Failure(std::runtime_error("it is gone")));
  has_value_or_no_memory(end_of(reactor, std::move(again)));
  right(!readable.waited_for(), "nobody waits any more");
  readable.require_same(reactor);
  readable.ignore();
  readable.forget();
}
void ending_readiness(Reactor& reactor) {
  const TwoEnds pair;
  io::FdReadiness readable(reactor, pair[0], Ready::read);
  const auto wait = [&readable]() -> Task<> { co_await readable.wait(); };
  Spawned<void> waits = spawn(reactor, wait);
  const ClosedAtEnd closed(waits.task());
  turns(reactor, 2);
  readable.end(Failure(std::runtime_error("it is gone")));
  const Outcome<void> outcome = end_of(reactor, std::move(waits));
  right(out_of_memory(outcome) || outcome.check<std::runtime_error>(), "another error");
}

void pipes(Reactor& reactor) {
  io::Pipe made = io::make_pipe();
  io::Pipe pipe(std::move(made.in), std::move(made.out));
  say(reactor, pipe.out, "through it");
  right(heard(reactor, pipe.in) == "through it", "bytes are lost");
  const io::Pipe other = io::make_pipe(reactor);
}

/// While it lives, one of the standard streams is another file.
class InPlaceOf {
 public:
  InPlaceOf(int number, int file) : number_(number), before_(::fcntl(number, F_DUPFD_CLOEXEC, 10)) {
    ::dup2(file, number);
  }
  InPlaceOf(const InPlaceOf&) = delete;
  InPlaceOf& operator=(const InPlaceOf&) = delete;
  ~InPlaceOf() { ::dup2(before_.fd(), number_); }

 private:
  int number_;
  Descriptor before_;
};
void standard_streams(Reactor& reactor) {
  int ends[2];
  right(::pipe2(ends, O_CLOEXEC) == 0, "there is a pipe");
  const Descriptor out(ends[0]);
  const Descriptor in(ends[1]);
  const InPlaceOf input(0, out.fd());
  const InPlaceOf output(1, in.fd());
  const InPlaceOf errors(2, in.fd());
  {
    Stream from = io::standard_input();
    Stream to = io::standard_output();
    Stream complaints = io::standard_error();
    say(reactor, to, "one");
    right(heard(reactor, from) == "one", "bytes are lost");
    say(reactor, complaints, "two");
    right(heard(reactor, from) == "two", "bytes are lost");
  }
  right(io::standard_input(reactor).is_open(), "it is left open");
}

// A terminal is left as it was.
void raw_mode(Reactor&) {
  const Descriptor keyboard(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  right(::grantpt(keyboard.fd()) == 0 && ::unlockpt(keyboard.fd()) == 0, "there is a terminal");
  const Descriptor terminal(::open(::ptsname(keyboard.fd()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  const auto echoes = [&terminal] {
    termios settings{};
    right(::tcgetattr(terminal.fd(), &settings) == 0, "it is a terminal");
    return (settings.c_lflag & static_cast<tcflag_t>(ECHO)) != 0;
  };
  try {
    const io::RawMode raw(terminal.fd());
    right(!echoes(), "it is raw");
  } catch (const std::bad_alloc&) {
    right(echoes(), "a terminal is left raw");
    throw;
  }
  right(echoes(), "a terminal is left raw");
}

Ends unix_ends(Reactor& reactor) {
  const AllocationsSucceed memory;
  int both[2];
  right(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both) == 0, "there is a pair");
  return Ends(io::adopt(reactor, Descriptor(both[0]), "one"),
              io::adopt(reactor, Descriptor(both[1]), "other"));
}
// Descriptors and bytes come once, together, and none is left open.
void passing_descriptors(Reactor& reactor) {
  Ends ends = unix_ends(reactor);
  right(io::peer_credentials(ends.near).pid == ::getpid(), "it is this process");
  const std::array<int, 2> passed{0, 0};
  const auto send = [&]() -> Task<> {
    co_await io::send_with_descriptors(ends.near, "here", passed);
  };
  const Outcome<void> sent = end_of(reactor, send);
  has_value_or_no_memory(sent);
  if (!sent.has_value()) {
    const AllocationsSucceed memory;
    right(end_of(reactor, send).has_value(), "a send after one that failed does not send");
  }
  std::array<char, 10> room;
  const auto receive = [&]() -> Task<std::size_t> {
    const auto got = co_await io::receive_with_descriptors(ends.far, room, 2);
    right(got.size == 4, "bytes are lost");
    co_return got.descriptors.size();
  };
  const Outcome<std::size_t> received = end_of(reactor, receive);
  has_value_or_no_memory(received, 2U);
  if (received.has_value()) return;
  const AllocationsSucceed memory;
  const Outcome<std::size_t> again = end_of(reactor, receive);
  right(again.has_value() && *again == 2, "descriptors are lost");
}
// More of them than there is room for are closed, and the bytes are kept.
void losing_descriptors(Reactor& reactor) {
  Ends ends = unix_ends(reactor);
  {
    const AllocationsSucceed memory;
    const std::array<int, 2> passed{0, 0};
    const auto send = [&]() -> Task<> {
      co_await io::send_with_descriptors(ends.near, "more than a few bytes", passed);
    };
    right(end_of(reactor, send).has_value(), "nothing is sent");
  }
  std::array<char, 100> room;
  const auto receive = [&]() -> Task<> {
    const auto got = co_await io::receive_with_descriptors(ends.far, room, 1);
  };
  const Outcome<void> lost = end_of(reactor, receive);
  const auto* const error = lost.check<std::system_error>();
  right(out_of_memory(lost) || (error && error->code() == io::Errc::descriptors_lost),
        "another error");
  right(heard(reactor, ends.far) == "more than a few bytes", "bytes are lost");
}

}  // namespace

Programs io_transport_programs() {
  return {
      {"a transport of one's own",
       {"deferred::io::make_stream()", "deferred::io::Transport::try_flush()"},
       &transports},
      {"a transport, tried",
       {"deferred::io::Transport::try_read()", "deferred::io::Transport::try_write()",
        "deferred::io::Transport::try_shutdown_write()", "deferred::io::Transport::close()"},
       &trying_a_transport},
      {"Readiness",
       {"deferred::io::FdReadiness::FdReadiness()", "deferred::io::FdReadiness::forget()",
        "deferred::io::Readiness::wait()", "co_await deferred::io::Readiness::Wait",
        "deferred::io::Readiness::Wait::Wait()", "deferred::io::Readiness::Wait::Place::Place()",
        "deferred::io::Readiness::report()", "deferred::io::Readiness::ignore()",
        "deferred::io::Readiness::require_same()", "deferred::io::Readiness::waited_for()"},
       &waiting_for_readiness},
      {"Readiness that ends", {"deferred::io::Readiness::end()"}, &ending_readiness},
      {"pipes", {"deferred::io::make_pipe()", "deferred::io::Pipe::Pipe()"}, &pipes},
      {"standard streams",
       {"deferred::io::standard_input()", "deferred::io::standard_output()",
        "deferred::io::standard_error()"},
       &standard_streams},
      {"raw mode", {"deferred::io::RawMode::RawMode()"}, &raw_mode},
      {"passing descriptors",
       {"deferred::io::send_with_descriptors()", "deferred::io::receive_with_descriptors()",
        "deferred::io::peer_credentials()"},
       &passing_descriptors},
      {"descriptors that are lost",
       {"deferred::io::receive_with_descriptors()"},
       &losing_descriptors},
  };
}

}  // namespace deferred::testing
