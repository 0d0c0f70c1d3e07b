// SPDX-License-Identifier: MIT
#include "deferred/io/tcp_stream.hpp"

#include <algorithm>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "deferred/io/detail/socket.hpp"
#include "deferred/io/errors.hpp"
#include "deferred/yieldables/pause.hpp"

namespace deferred::io {
namespace {

using detail::Claim;
using detail::Socket;
// The coroutines own the socket with the stream: a stream may be moved or dropped while they wait.
using SocketPointer = std::shared_ptr<Socket>;

constexpr const char* reading = "read from ";
constexpr const char* writing = "write to ";

std::string_view unread_of(const Socket& socket) noexcept {
  return std::string_view(socket.unread).substr(socket.consumed);
}

void consume_of(Socket& socket, std::size_t bytes) noexcept {
  socket.consumed += bytes;
  if (socket.consumed >= socket.unread.size()) {
    socket.unread.clear();
    socket.consumed = 0;
  } else if (socket.consumed > socket.unread.size() / 2) {
    socket.unread.erase(0, socket.consumed);
    socket.consumed = 0;
  }
}

Task<std::size_t> read_some_of(SocketPointer socket, std::span<char> buffer) {
  if (buffer.empty()) throw std::invalid_argument("read_some: the buffer is empty");
  const Claim claim(*socket, socket->reading, reading);
  const std::string_view unread = unread_of(*socket);
  if (!unread.empty()) {
    const std::size_t taken = unread.copy(buffer.data(), buffer.size());
    consume_of(*socket, taken);
    co_return taken;
  }
  while (true) {
    if (socket->has_run_long()) co_await Pause{};
    socket->require_open(reading);
    const auto got = socket->receive(buffer);
    if (got) co_return *got;
    co_await socket->wait_readable();
  }
}

Task<bool> read_more_of(SocketPointer socket) {
  const Claim claim(*socket, socket->reading, reading);
  while (true) {
    if (socket->has_run_long()) co_await Pause{};
    socket->require_open(reading);
    const auto got = socket->receive_more(std::string::npos);
    if (got) co_return *got != 0;
    co_await socket->wait_readable();
  }
}

// Collects in the socket's own buffer, where it stays if the task is cancelled.
Task<std::string> read_to_end_of(SocketPointer socket, std::size_t limit) {
  const Claim claim(*socket, socket->reading, reading);
  while (true) {
    const std::size_t have = unread_of(*socket).size();
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

Task<void> write_all_of(SocketPointer socket, std::string_view data) {
  const Claim claim(*socket, socket->writing, writing);
  while (!data.empty()) {
    if (socket->has_run_long()) co_await Pause{};
    socket->require_open(writing);
    const auto sent = socket->send(data);
    if (sent) {
      data.remove_prefix(*sent);
    } else {
      co_await socket->wait_writable();
    }
  }
}

template <class T>
Task<T> no_connection(const char* what) {
  throw std::system_error(Errc::closed, std::string(what) + "nobody");
  co_return co_await Task<T>();
}

}  // namespace

TcpStream::TcpStream(std::shared_ptr<detail::Socket> socket) noexcept
    : socket_(std::move(socket)) {}

TcpStream& TcpStream::operator=(TcpStream&& other) noexcept {
  TcpStream old(std::move(other));
  std::swap(socket_, old.socket_);
  return *this;
}

Task<std::size_t> TcpStream::read_some(std::span<char> buffer) {
  return socket_ ? read_some_of(socket_, buffer) : no_connection<std::size_t>(reading);
}
Task<std::string> TcpStream::read_to_end(std::size_t limit) {
  return socket_ ? read_to_end_of(socket_, limit) : no_connection<std::string>(reading);
}
Task<void> TcpStream::write_all(std::string_view data) {
  return socket_ ? write_all_of(socket_, data) : no_connection<void>(writing);
}
Task<bool> TcpStream::read_more() {
  return socket_ ? read_more_of(socket_) : no_connection<bool>(reading);
}

std::string_view TcpStream::buffered() const noexcept {
  return socket_ ? unread_of(*socket_) : std::string_view();
}
void TcpStream::consume(std::size_t bytes) noexcept {
  if (socket_) consume_of(*socket_, bytes);
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
Reactor& TcpStream::reactor() const noexcept { return socket_->reactor; }

}  // namespace deferred::io
