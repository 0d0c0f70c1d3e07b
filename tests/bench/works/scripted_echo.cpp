// SPDX-License-Identifier: MIT
//
// echo-script: the echo server of W8 in one process with a script for its peers, so that what is
// ready at a wait does not depend on the machine's load: always all of the connections.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>
#include <vector>

#include "../echo/serve.hpp"
#include "deferred/io/adopt.hpp"
#include "deferred/tasks/spawn.hpp"
#include "works.hpp"
#ifdef WITH_EPOLL
#include "reactors/epoll.hpp"

namespace {

class Script {
 public:
  static constexpr std::size_t connections = 50;

  Script() {
    for (std::size_t i = 0; i != connections; ++i) {
      int pair[2];
      if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0) std::abort();
      peers_.push_back(pair[1]);
      deferred::io::Stream stream =
          deferred::io::adopt(reactor_, deferred::io::Descriptor(pair[0]), "127.0.0.1:54321");
      deferred::spawn(reactor_, echo::serve(std::move(stream))).detach();
    }
    backend_.turn();  // all wait for what comes
  }
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;
  ~Script() {
    for (const int peer : peers_) ::close(peer);
    backend_.turn();
  }

  // A message to each connection, and its reply.
  void exchange() {
    for (const int peer : peers_) {
      if (::write(peer, message_.data(), message_.size()) != room) std::abort();
    }
    backend_.turn();
    for (const int peer : peers_) {
      while (::read(peer, message_.data(), message_.size()) != room) {
        if (errno != EAGAIN) std::abort();
        backend_.turn();
      }
    }
  }

 private:
  static constexpr ssize_t room = 64;

  deferred::reactors::Epoll backend_;
  deferred::Reactor reactor_{backend_};
  std::vector<int> peers_;
  std::array<char, room> message_{};
};

}  // namespace

void works::scripted_echo(bench::Program& program) {
  if (!program.wants("echo-script")) return;
  Script script;
  program.batch(
      "echo-script",
      [&script](std::size_t n) {
        for (std::size_t sent = 0; sent < n; sent += Script::connections) script.exchange();
      },
      "on epoll, 50 ready a wait; with the script's own write and read");
}
#else
void works::scripted_echo(bench::Program&) {}
#endif
