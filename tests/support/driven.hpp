// SPDX-License-Identifier: MIT
//
// Fixtures of tests that run on every backend, and Counting, a backend that counts what it is asked
// for. A failure that a test did not take from `unhandled` fails it.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <memory>
#include <utility>

#include "deferred/reactor/reactor.hpp"
#include "reactors/poll.hpp"
#include "reactors/virtual_time.hpp"
#include "tests/support/unhandled.hpp"

namespace deferred::testing {

/// A reactor on the backend that `make` gives, turned by hand or by run().
template <std::unique_ptr<Backend> (*make)()>
struct Driven {
  Unhandled unhandled;
  Reactor reactor{make()};

  /// One turn, which waits for nothing.
  void turn() { reactor.backend().run_once(false); }
  /// Runs until `time` has passed on the reactor's clock.
  void run_for(Duration time) {
    const DelayedCall end = reactor.call_later(time, [this] { reactor.stop(); });
    reactor.run();
  }
};

inline std::unique_ptr<Backend> make_virtual_time() {
  return std::make_unique<reactors::VirtualTime>();
}
using OnPoll = Driven<&reactors::poll>;
using OnVirtualTime = Driven<&make_virtual_time>;

/// Two connected, non-blocking sockets.
struct SocketPair {
  SocketPair() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0); }
  SocketPair(const SocketPair&) = delete;
  SocketPair& operator=(const SocketPair&) = delete;
  ~SocketPair() {
    close(0);
    close(1);
  }
  void close(int end) {
    if (fds[end] >= 0) ::close(std::exchange(fds[end], -1));
  }
  void write(int end, char byte = 'x') { REQUIRE(::write(fds[end], &byte, 1) == 1); }
  /// How many bytes were there, at most 64.
  long read(int end) {
    char bytes[64];
    return ::read(fds[end], bytes, sizeof bytes);
  }
  int operator[](int end) const { return fds[end]; }

  int fds[2];
};

/// poll(2), with its calls counted.
class Counting final : public Backend, private Turn {
 public:
  Counting() { inner_->drive(static_cast<Turn*>(this)); }

  int turns = 0;
  int arms = 0;
  int wakes = 0;
  int watches = 0;
  TimePoint armed = TimePoint::max();

  TimePoint now() noexcept override { return inner_->now(); }
  void arm(TimePoint deadline) noexcept override {
    ++arms;
    armed = deadline;
    inner_->arm(deadline);
  }
  void wake() noexcept override {
    ++wakes;
    inner_->wake();
  }
  void watch(int fd, Ready interest, IoHandler& handler) override {
    ++watches;
    inner_->watch(fd, interest, handler);
  }
  void rewatch(int fd, Ready interest) override { inner_->rewatch(fd, interest); }
  void unwatch(int fd) noexcept override { inner_->unwatch(fd); }
  void run_once(bool block) override { inner_->run_once(block); }

 private:
  void turn() noexcept override {
    ++turns;
    Backend::turn();
  }
  std::unique_ptr<Backend> inner_ = reactors::poll();
};

}  // namespace deferred::testing
