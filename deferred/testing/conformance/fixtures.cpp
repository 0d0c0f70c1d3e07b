// SPDX-License-Identifier: MIT
#include "deferred/testing/conformance/fixtures.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <stdexcept>
#include <system_error>

#include "deferred/io/connect.hpp"
#include "deferred/io/listen.hpp"
#include "deferred/io/stream.hpp"
#include "deferred/tasks/spawn.hpp"

namespace deferred::testing::conformance {
namespace {

[[noreturn]] void fixture_failed(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

void Ends::close(int end) noexcept {
  int& fd = fds_[static_cast<std::size_t>(end)];
  if (fd >= 0) ::close(std::exchange(fd, -1));
}

void Ends::write(int end, std::string_view bytes) const {
  if (::write((*this)[end], bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
    fixture_failed("write to a pair of descriptors");
  }
}

std::string Ends::read(int end) const {
  std::string bytes(65536, ' ');
  const ssize_t got = ::read((*this)[end], bytes.data(), bytes.size());
  bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return bytes;
}

void Ends::fill(int end) const {
  const std::string bytes(65536, 'x');
  while (::write((*this)[end], bytes.data(), bytes.size()) > 0) {
  }
}

void Ends::drain(int end) const {
  while (!read(end).empty()) {
  }
}

SocketPair::SocketPair() {
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds_.data()) != 0) {
    fixture_failed("socketpair");
  }
}

void SocketPair::half_close(int end) const {
  if (::shutdown((*this)[end], SHUT_WR) != 0) fixture_failed("shutdown");
}

Pipe::Pipe() {
  if (::pipe2(fds_.data(), O_NONBLOCK | O_CLOEXEC) != 0) fixture_failed("pipe2");
}

Task<Connection> connect_pair(Reactor& reactor, std::string host) {
  io::Listener listener = io::listen(reactor, host, 0);
  io::Stream client = co_await io::connect(host, listener.port());
  io::Stream server = co_await listener.accept();
  co_return Connection(std::move(client), std::move(server));
}

Task<std::string> read_text(io::Stream& stream, std::size_t at_most) {
  std::string text(at_most, ' ');
  const std::size_t got = co_await stream.read_some(text);
  text.resize(got);
  co_return text;
}

Task<std::string> read_exactly(io::Stream& stream, std::size_t count) {
  std::string all;
  while (all.size() < count) {
    const std::string piece = co_await read_text(stream, count - all.size());
    if (piece.empty()) break;
    all += piece;
  }
  co_return all;
}

Task<void> write_for_ever(io::Stream& stream, std::size_t& written) {
  const std::string chunk = pattern(1 << 16);
  while (true) {
    co_await stream.write_all(chunk);
    written += chunk.size();
  }
}

Task<void> pauses(int count) {
  for (int i = 0; i < count; ++i) co_await Pause{};
}

void abort_connection(io::Stream& stream) {
  const linger at_once{1, 0};
  if (stream.is_open() && ::setsockopt(stream.transport().descriptor(), SOL_SOCKET, SO_LINGER,
                                       &at_once, sizeof at_once) != 0) {
    fixture_failed("setsockopt SO_LINGER");
  }
  stream.close();
}

std::string pattern(std::size_t size) {
  std::string text(size, ' ');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 2654435761U >> 24);
  return text;
}

void require_ipv6(Context& c) {
  try {
    const io::Listener listener = io::listen(c.reactor(), "::1", 0);
  } catch (const std::system_error& error) {
    c.skip(std::string("this machine has no IPv6 loopback: ") + error.what());
  }
}

MoreDescriptors::MoreDescriptors(int count) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  before_ = limit.rlim_cur;
  limit.rlim_cur = std::max<rlim_t>(limit.rlim_cur, static_cast<rlim_t>(count));
  enough_ = ::setrlimit(RLIMIT_NOFILE, &limit) == 0;
}
MoreDescriptors::~MoreDescriptors() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = before_;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

Duration processor_time() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

void oops(const char* text) { throw std::runtime_error(text); }

}  // namespace deferred::testing::conformance
