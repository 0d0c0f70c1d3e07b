// SPDX-License-Identifier: MIT
//
// How streams come about: who listens, accepts and connects, at what, and over which network; and
// locks on files.
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "tests/allocation_failure/programs.hpp"

using namespace std::chrono_literals;

namespace deferred::testing {
namespace {

using io::Listener;
using io::Stream;

/// Made with memory, and removed.
class Folder {
 public:
  Folder() {
    const AllocationsSucceed memory;
    std::string name = std::filesystem::temp_directory_path() / "deferred.XXXXXX";
    right(::mkdtemp(name.data()) != nullptr, "there is no folder to try in");
    path = name + "/a file with a name that is long";
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    const AllocationsSucceed memory;
    std::filesystem::remove_all(path.parent_path());
  }
  bool is_empty() const {
    const AllocationsSucceed memory;
    return std::filesystem::is_empty(path.parent_path());
  }
  std::filesystem::path path;
};

void listening(Reactor& reactor) {
  Listener listener = io::listen(reactor, "127.0.0.1", 0);
  Listener other = io::listen("127.0.0.1", 0);
  right(listener.is_open() && listener.port() != 0, "it listens");
  right(&listener.reactor() == &reactor, "it is the reactor's");
  right(listener.local().starts_with("127.0.0.1:"), "its address");
  io::Acceptor& acceptor = listener.acceptor();
  right(acceptor.is_open() && acceptor.descriptor() >= 0, "its acceptor");
  right(acceptor.local().port() == listener.port(), "its acceptor's address");
  right(&acceptor.reactor() == &reactor && !acceptor.readable().waited_for(), "nobody waits");
  right(!acceptor.try_accept(), "nobody comes");
  other.acceptor().close();
  listener.close();
  right(!listener.is_open() && !other.is_open(), "it is closed");
  const Listener none;
  right(!none.is_open() && none.local().empty(), "one that was never open");
}
void listening_everywhere(Reactor& reactor) {
  const Listener local = io::listen(reactor, "localhost", 0);
  const Listener all = io::listen(reactor, "*", 0);
  right(local.port() != 0 && all.port() != 0, "they listen");
}
// A path that could not be listened at is not left behind.
void listening_at_endpoints(Reactor& reactor) {
  const Folder folder;
  std::string text;
  {
    const AllocationsSucceed memory;
    text = "unix:" + folder.path.string() + ":mode=600";
  }
  try {
    const Listener path = io::listen(reactor, text);
    right(path.is_open() && path.port() == 0, "it listens");
    const Listener tcp = io::listen("tcp:127.0.0.1:0:backlog=5");
    right(tcp.port() != 0, "it listens");
  } catch (const std::bad_alloc&) {
    right(folder.is_empty(), "a path is left behind");
    throw;
  }
  right(folder.is_empty(), "a path is left behind");
}
void opened_listeners(Reactor& reactor) {
  io::Descriptor socket = io::open_listener("tcp:127.0.0.1:0");
  const Listener listener = io::listen(reactor, std::move(socket));
  right(listener.port() != 0, "it listens");
  const Folder folder;
  std::string text;
  {
    const AllocationsSucceed memory;
    text = "unix:" + folder.path.string();
  }
  try {
    const io::Descriptor path = io::open_listener(text);
  } catch (const std::bad_alloc&) {
    right(folder.is_empty(), "a path is left behind");
    throw;
  }
}

// An accept or a connect that fails takes no connection and no descriptor with it, and the next
// works.
template <class Dial>
void accept_and_connect(Reactor& reactor, std::string_view at, Dial connect_to) {
  std::optional<Listener> listener;
  {
    const AllocationsSucceed memory;
    listener = io::listen(reactor, at);
  }
  const auto accept = [&listener]() -> Task<bool> {
    Stream stream = co_await listener->accept();
    co_return stream.is_open();
  };
  Spawned<bool> accepted = spawn(reactor, accept);
  const ClosedAtEnd closed(accepted.task());
  Deferred<bool> result = std::move(accepted).deferred();
  const auto dial = [&]() -> Task<bool> {
    Stream stream = co_await connect_to(*listener);
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
void accepting(Reactor& reactor) {
  accept_and_connect(reactor, "tcp:127.0.0.1:0", [](const Listener& listener) {
    return io::connect("127.0.0.1", listener.port());
  });
}
void accepting_on_localhost(Reactor& reactor) {
  accept_and_connect(reactor, "tcp:localhost:0", [](const Listener& listener) {
    return io::connect("localhost", listener.port());
  });
}
void accepting_on_unix(Reactor& reactor) {
  std::string at;
  {
    const AllocationsSucceed memory;
    at = "unix:@deferred, allocation failure, " + std::to_string(::getpid());
  }
  accept_and_connect(reactor, at, [&at](const Listener&) { return io::connect(at); });
}
void connecting_to_nobody(Reactor& reactor) {
  for (const char* const to : {"tcp:no address:1", "tcp:127.0.0.1:1", "nothing:1"}) {
    const Outcome<void> outcome =
        end_of(reactor, [to]() -> Task<> { Stream stream = co_await io::connect(to); });
    right(out_of_memory(outcome) || outcome.check<std::system_error>(), "another error");
  }
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

// A socket that could not be adopted is closed.
void adopting(Reactor& reactor) {
  int both[2];
  right(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both) == 0, "there is a pair");
  io::Descriptor one(both[0]);
  io::Descriptor other(both[1]);
  const Stream near = io::adopt(reactor, std::move(one));
  const Stream far = io::adopt(std::move(other), "a peer of more than a few letters");
  right(near.is_open() && far.peer() == "a peer of more than a few letters", "it is adopted");
}

/// A kind of its own: ports of the loopback.
class Near final : public io::EndpointKind {
 public:
  Task<Stream> connect(io::Endpoint endpoint, io::ConnectOptions options) override {
    return io::connect("127.0.0.1", endpoint.port(0), options);
  }
  Listener listen(Reactor& reactor, const io::Endpoint& endpoint,
                  const io::ListenOptions& options) override {
    return io::listen(reactor, "127.0.0.1", endpoint.port(0), options);
  }
};
void kinds_of_endpoints(Reactor& reactor) {
  io::use_endpoint_kind(reactor, "near", std::make_shared<Near>());
  const Listener listener = io::listen(reactor, "near:0");
  const auto dial = [&listener]() -> Task<bool> {
    Stream stream = co_await io::connect("near:" + std::to_string(listener.port()));
    co_return stream.is_open();
  };
  has_value_or_no_memory(end_of(reactor, dial), true);
}

/// Another network before one: all names are this machine's, at the second try.
class Before final : public io::Network {
 public:
  explicit Before(io::Network& below) noexcept : below_(below) {}
  Task<Stream> connect(io::Address to) override { return below_.connect(to); }
  Listener listen(const io::Address& at, const io::ListenOptions& options) override {
    return below_.listen(at, options);
  }
  Task<std::vector<io::Address>> look_up(std::string) override {
    std::vector<io::Address> found{*io::Address::ip("::1", 0), *io::Address::ip("127.0.0.1", 0)};
    co_return found;
  }

 private:
  io::Network& below_;
};
void networks(Reactor& reactor) {
  struct Given {
    explicit Given(Reactor& reactor) : to(reactor), network(io::current_network(to)) {
      io::use_network(to, &network);
    }
    Given(const Given&) = delete;
    Given& operator=(const Given&) = delete;
    ~Given() {
      const AllocationsSucceed memory;
      io::use_network(to, nullptr);
    }
    Reactor& to;
    Before network;
  } given(reactor);
  right(&io::current_network(reactor) == &given.network, "a reactor has the network it is given");
  Before of_task(given.network);
  const Listener listener = io::listen(reactor, "127.0.0.1", 0);
  const auto dial = [&]() -> Task<bool> {
    const RestoreTaskLocal restores = io::use_network(of_task);
    right(&io::current_network() == &of_task, "a task has the network it is given");
    Stream stream = co_await io::connect("a.name.of.nobody.example", listener.port());
    co_return stream.is_open();
  };
  has_value_or_no_memory(end_of(reactor, dial), true);
}

// A lock that could not be had is nobody's, and one that was had comes back.
void locking_files(Reactor& reactor) {
  const Folder folder;
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
      {"Listener",
       {"deferred::io::Listener::Listener()", "deferred::io::Listener::close()",
        "deferred::io::Listener::is_open()", "deferred::io::Listener::local()",
        "deferred::io::Listener::port()", "deferred::io::Listener::reactor()",
        "deferred::io::Listener::acceptor()", "deferred::io::Acceptor::close()",
        "deferred::io::Acceptor::descriptor()", "deferred::io::Acceptor::is_open()",
        "deferred::io::Acceptor::local()", "deferred::io::Acceptor::reactor()",
        "deferred::io::Acceptor::readable()", "deferred::io::Acceptor::try_accept()"},
       &listening},
      {"listen everywhere", {"deferred::io::listen()"}, &listening_everywhere},
      {"listen at endpoints", {"deferred::io::listen()"}, &listening_at_endpoints},
      {"open_listener", {"deferred::io::open_listener()"}, &opened_listeners},
      {"accept and connect",
       {"deferred::io::Listener::accept()", "deferred::io::connect()"},
       &accepting},
      {"accept and connect on localhost",
       {"deferred::io::Listener::accept()", "deferred::io::connect()"},
       &accepting_on_localhost},
      {"accept and connect on Unix",
       {"deferred::io::Listener::accept()", "deferred::io::connect()"},
       &accepting_on_unix},
      {"connect that fails", {"deferred::io::connect()"}, &connecting_to_nobody},
      {"accept, cancelled", {"deferred::io::Listener::accept()"}, &cancelled_while_accepting},
      {"adopt", {"deferred::io::adopt()"}, &adopting},
      {"kinds of endpoints",
       {"deferred::io::use_endpoint_kind()", "deferred::io::EndpointKind::connect()",
        "deferred::io::EndpointKind::listen()"},
       &kinds_of_endpoints},
      {"networks",
       {"deferred::io::use_network()", "deferred::io::current_network()",
        "deferred::io::Network::connect()", "deferred::io::Network::listen()",
        "deferred::io::Network::look_up()"},
       &networks},
      {"lock_file",
       {"deferred::io::lock_file()", "deferred::io::try_lock_file()",
        "deferred::io::FileLock::unlock()", "deferred::io::FileLock::held()"},
       &locking_files},
  };
}

}  // namespace deferred::testing
