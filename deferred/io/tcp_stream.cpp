// SPDX-License-Identifier: MIT
#include "deferred/io/tcp_stream.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "deferred/io/detail/socket.hpp"
#include "deferred/io/errors.hpp"
#include "deferred/yieldables/cancel_point.hpp"
#include "deferred/yieldables/pause.hpp"

namespace deferred::io {
namespace {

using detail::Claim;
using detail::reading;
using detail::Socket;
// The coroutines own the socket with the stream: a stream may be moved or dropped while they wait.
using detail::SocketPointer;

Task<bool> read_more_of(SocketPointer socket) {
  co_await cancel_point;
  const Claim claim(*socket, socket->reading, reading);
  while (true) {
    socket->require_open(reading);
    if (!socket->should_wait_first()) {
      const auto got = socket->receive_more(std::string::npos);
      if (got) co_return *got != 0;
    }
    co_await socket->wait_readable();
  }
}

// Collects in the socket's own buffer, where it stays if the task is cancelled.
Task<std::string> read_to_end_of(SocketPointer socket, std::size_t limit) {
  co_await cancel_point;
  const Claim claim(*socket, socket->reading, reading);
  while (true) {
    const std::size_t have = socket->unread_part().size();
    if (have > limit) {
      throw std::system_error(
          Errc::too_long, reading + socket->peer + ", at most " + std::to_string(limit) + " bytes");
    }
    if (socket->has_run_long()) co_await Pause{};
    socket->require_open(reading);
    const auto got = socket->receive_more(limit - have + (limit - have < std::string::npos));
    if (!got) {
      co_await socket->wait_readable();
    } else if (*got == 0) {
      socket->unread.erase(0, std::exchange(socket->consumed, 0));
      co_return std::exchange(socket->unread, {});
    }
  }
}

template <class T>
Task<T> no_connection(const char* what) {
  co_await cancel_point;
  throw std::system_error(Errc::closed, std::string(what) + "nobody");
}

}  // namespace

TcpStream::TcpStream(SocketPointer socket) noexcept : socket_(std::move(socket)) {}

TcpStream& TcpStream::operator=(TcpStream&& other) noexcept {
  TcpStream old(std::move(other));
  std::swap(socket_, old.socket_);
  return *this;
}

Task<std::string> TcpStream::read_to_end(std::size_t limit) {
  return socket_ ? read_to_end_of(socket_, limit) : no_connection<std::string>(reading);
}
Task<bool> TcpStream::read_more() {
  return socket_ ? read_more_of(socket_) : no_connection<bool>(reading);
}

std::string_view TcpStream::buffered() const noexcept {
  return socket_ ? socket_->unread_part() : std::string_view();
}
void TcpStream::consume(std::size_t bytes) noexcept {
  if (socket_) socket_->consume(bytes);
}

void TcpStream::shutdown_write() {
  if (!socket_) throw std::system_error(Errc::closed, "shut down writing to nobody");
  const Claim claim(*socket_, socket_->writing, "shut down writing to ");
  socket_->shutdown_write();
}
void TcpStream::close() noexcept {
  if (socket_) socket_->close();
}
bool TcpStream::is_open() const noexcept { return socket_ && socket_->fd >= 0; }

std::string TcpStream::peer() const { return socket_ ? socket_->peer : std::string(); }
std::string TcpStream::local() const {
  if (!is_open()) throw std::system_error(Errc::closed, "local address of a connection");
  return socket_->local().text();
}
int TcpStream::fd() const noexcept { return socket_ ? socket_->fd : -1; }
Reactor& TcpStream::reactor() const {
  if (!socket_) throw std::system_error(Errc::closed, "TcpStream::reactor(): it was moved from");
  return socket_->reactor;
}

}  // namespace deferred::io
