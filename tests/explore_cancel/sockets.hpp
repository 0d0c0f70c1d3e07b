// SPDX-License-Identifier: MIT
//
// The two ends of a socket pair for programs that are cut: what was sent through one, and what is
// left to be read, is asked without a task.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "deferred/io.hpp"
#include "deferred/reactor/reactor.hpp"

namespace deferred::testing {

class Sockets {
 public:
  Sockets() {
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds_.data()) != 0) {
      throw std::runtime_error("socketpair");
    }
  }
  Sockets(const Sockets&) = delete;
  Sockets& operator=(const Sockets&) = delete;
  ~Sockets() {
    for (const int fd : fds_) {
      if (fd >= 0) ::close(fd);
    }
  }

  int near() const noexcept { return fds_[0]; }
  int far() const noexcept { return fds_[1]; }
  /// Gives the near end away.
  int take_near() noexcept { return std::exchange(fds_[0], -1); }

  void write_far(std::string_view text) {
    if (::write(far(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
      throw std::runtime_error("write");
    }
  }
  void write_later(Reactor& reactor, std::string text) {
    later_ = reactor.call_later(std::chrono::milliseconds(1),
                                [this, text = std::move(text)] { write_far(text); });
  }
  static std::string read_all_of(int fd) {
    std::string all;
    std::array<char, 65536> room{};
    for (;;) {
      const ssize_t count = ::read(fd, room.data(), room.size());
      if (count <= 0) return all;
      all.append(room.data(), static_cast<std::size_t>(count));
    }
  }
  std::string read_now() const { return read_all_of(near()); }
  std::string read_far() const { return read_all_of(far()); }

 private:
  std::array<int, 2> fds_{-1, -1};
  DelayedCall later_;
};

/// A stream on the near end; the far end is a peer without a task.
class StreamPair {
 public:
  explicit StreamPair(Reactor& reactor)
      : reactor_(reactor),
        stream_(io::adopt(reactor, io::Descriptor(sockets_.take_near()), "peer")) {}

  io::Stream& stream() noexcept { return stream_; }
  /// What the peer has written by now.
  const std::string& written() const noexcept { return written_; }
  /// The peer does something.
  template <class F>
  void later(Duration after, F does) {
    laters_.push_back(reactor_.call_later(after, std::move(does)));
  }
  void write_later(std::string text, Duration after = std::chrono::milliseconds(1)) {
    later(after, [this, text = std::move(text)] {
      sockets_.write_far(text);
      written_ += text;
    });
  }
  void end_later(Duration after) {
    later(after, [this] { ::shutdown(sockets_.far(), SHUT_WR); });
  }
  /// From then on, whatever comes is added to `into`.
  void take_later(std::string& into) {
    later(std::chrono::milliseconds(1), [this, &into] {
      watch_ = reactor_.watch(sockets_.far(), Ready::read,
                              [this, &into] { into += sockets_.read_far(); });
    });
  }
  /// What the stream has read ahead, and what waits in the socket.
  void read_rest(std::string& into) {
    const std::string_view ahead = stream_.buffered();
    into.append(ahead.data(), ahead.size());
    stream_.consume(ahead.size());
    into += Sockets::read_all_of(stream_.transport().descriptor());
  }
  /// What has arrived at the far end.
  void read_far_into(std::string& into) const { into += sockets_.read_far(); }

 private:
  Reactor& reactor_;
  Sockets sockets_;
  io::Stream stream_;
  std::vector<DelayedCall> laters_;
  Watch watch_;
  std::string written_;
};

/// A peer without a task, connected to an address.
class Dialled {
 public:
  explicit Dialled(const io::Address& to)
      : socket_(::socket(to.family() == io::Address::Family::ipv6 ? AF_INET6 : AF_INET,
                         SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto bytes = to.native();
    const auto* const address = reinterpret_cast<const sockaddr*>(bytes.data());
    if (::connect(socket_.fd(), address, static_cast<socklen_t>(bytes.size())) != 0) {
      throw std::runtime_error("connect");
    }
  }
  void say(std::string_view text) const {
    if (::send(socket_.fd(), text.data(), text.size(), MSG_NOSIGNAL) < 0) {
      throw std::runtime_error("send");
    }
  }
  /// What has come.
  std::string hear() const {
    std::array<char, 100> room{};
    const auto got = ::recv(socket_.fd(), room.data(), room.size(), MSG_DONTWAIT);
    return std::string(room.data(), got < 0 ? 0 : static_cast<std::size_t>(got));
  }
  void close() noexcept { socket_.close(); }

 private:
  io::Descriptor socket_;
};

}  // namespace deferred::testing
