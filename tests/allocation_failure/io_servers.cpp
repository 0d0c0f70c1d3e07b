// SPDX-License-Identifier: MIT
//
// serve(): a connection that fails for want of memory ends alone or with its server, nothing of it
// is left, and the next server takes the next one.
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string_view>
#include <utility>

#include "tests/allocation_failure/io_ends.hpp"

namespace deferred::testing {
namespace {

using io::Listener;
using io::Stream;

/// Somebody who connects, says a word and waits for it to come back. With memory, and without a
/// task.
class Caller {
 public:
  Caller(Reactor& reactor, const Listener& listener) {
    const AllocationsSucceed memory;
    const std::uint16_t port = listener.port();
    stream_ = end_of(reactor, spawn(reactor, io::connect("127.0.0.1", port))).value();
    right(::send(socket(), "word", 4, MSG_NOSIGNAL) == 4, "nothing is said");
  }
  /// Its word has come back, or its connection has ended.
  bool is_done() {
    std::array<char, 10> room;
    const auto got = ::recv(socket(), room.data(), room.size(), MSG_DONTWAIT);
    const bool waits = got < 0 && errno == EAGAIN;
    is_answered_ = is_answered_ || (got == 4 && std::string_view(room.data(), 4) == "word");
    return is_answered_ || !waits;
  }
  bool is_answered() const noexcept { return is_answered_; }

 private:
  int socket() const { return stream_.transport().descriptor(); }

  Stream stream_;
  bool is_answered_ = false;
};

Task<> echo(Stream stream) {
  std::array<char, 10> room;
  while (true) {
    const std::size_t got = co_await stream.read_some(room);
    if (got == 0) co_return;
    co_await stream.write_all({room.data(), got});
  }
}
Listener listens(Reactor& reactor) {
  const AllocationsSucceed memory;
  return io::listen(reactor, "127.0.0.1", 0);
}

void serving(Reactor& reactor) {
  Listener listener = listens(reactor);
  Caller caller(reactor, listener);
  Spawned<void> server = spawn(reactor, io::serve(listener, echo));
  const ClosedAtEnd closed(server.task());
  Deferred<void> over = std::move(server).deferred();
  turn_until(reactor, [&] { return caller.is_done() || over.has_result(); });
  right(caller.is_answered() || allocation_failed(), "a caller is not answered");
  {
    const AllocationsSucceed memory;
    std::optional<Spawned<void>> next;
    {
      Caller second(reactor, listener);
      turn_until(reactor, [&] { return second.is_done() || over.has_result(); });
      if (over.has_result()) next = spawn(reactor, io::serve(listener, echo));
      turn_until(reactor, [&] { return second.is_done(); });
      right(second.is_answered(), "after one that failed a caller is not answered");
    }
    listener.close();
    if (next) right(end_of(reactor, *std::move(next)).has_value(), "a server does not end well");
  }
  has_value_or_no_memory(end_of(reactor, std::move(over)));
}
// One that is cancelled ends after its grace, whatever fails.
void cancelling_servers(Reactor& reactor) {
  Listener listener = listens(reactor);
  Caller caller(reactor, listener);
  const io::ServeOptions options(10, std::chrono::milliseconds(5));
  Spawned<void> server = spawn(reactor, io::serve(listener, echo, options));
  TaskRef task = server.task();
  const ClosedAtEnd closed(task);
  Deferred<void> over = std::move(server).deferred();
  turn_until(reactor, [&] { return caller.is_done() || over.has_result(); });
  task.cancel();
  const Outcome<void> outcome = end_of(reactor, std::move(over));
  right(out_of_memory(outcome) || outcome.check<Cancelled>(), "another error");
}

}  // namespace

Programs io_server_programs() {
  return {
      {"serve", {"deferred::io::serve()"}, &serving},
      {"serve, cancelled", {"deferred::io::serve()"}, &cancelling_servers},
  };
}

}  // namespace deferred::testing
