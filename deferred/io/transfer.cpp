// SPDX-License-Identifier: MIT
#include "deferred/io/transfer.hpp"

#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "deferred/io/errors.hpp"

namespace deferred::io {
namespace {

using detail::reading;
using detail::Socket;
using detail::writing;

[[noreturn, gnu::cold]] void refuse(const detail::SocketPointer& socket, const char* what) {
  if (!socket) throw std::system_error(Errc::closed, std::string(what) + "nobody");
  socket->require_open(what);
  socket->throw_busy(what);
}

// The socket, if a task may begin to read (or write) now.
template <class R>
[[gnu::always_inline]] inline Socket& idle_socket(const detail::SocketPointer& socket,
                                                  bool Socket::* busy, const char* what,
                                                  const Waiter<R>& waiter) {
  if (!socket || socket->fd < 0 || (*socket).*busy) [[unlikely]]
    refuse(socket, what);
  socket->readable.require_same(waiter.reactor());
  return *socket;
}

}  // namespace

std::string ReadSome::describe() const {
  return detail::reading + (socket_ ? socket_->peer : std::string("nowhere"));
}

ReadSome::Reading::Reading(const ReadSome& read, Waiter<std::size_t>&& waiter)
    : buffer_(read.buffer_) {
  if (buffer_.empty()) throw std::invalid_argument("read_some: the buffer is empty");
  Socket& socket = idle_socket(read.socket_, &Socket::reading, reading, waiter);
  if (!socket.unread.empty()) {
    waiter.resume(socket.take_unread(buffer_));
    return;
  }
  if (!socket.should_wait_first()) {
    const auto got = socket.receive(buffer_);
    if (got) {
      waiter.resume(*got);
      return;
    }
  }
  wait_for(socket.begin_to_wait(socket.readable));
  waiter_ = std::move(waiter);
  socket_ = &socket;
  socket.reading = true;
}

void ReadSome::Reading::on_ready() noexcept {
  if (!waiter_.pending()) return leave();  // cancelled: what has come is the next reader's
  try {
    const auto got = socket_->receive(buffer_);
    if (!got) return;  // a report too many
    leave();
    waiter_.resume(*got);
  } catch (...) {
    leave();
    waiter_.throw_(Failure::current());
  }
}

void ReadSome::Reading::on_end(Failure failure) noexcept { waiter_.throw_(std::move(failure)); }

ReadSome::operator Task<std::size_t>() const {
  return [](ReadSome self) -> Task<std::size_t> { co_return co_await unlisted(self); }(*this);
}

WriteAll::Writing::Writing(const WriteAll& write, Waiter<void>&& waiter) : rest_(write.data_) {
  Socket& socket = idle_socket(write.socket_, &Socket::writing, writing, waiter);
  while (!rest_.empty() && !socket.has_run_long()) {
    const auto sent = socket.send(rest_);
    if (!sent) break;
    rest_.remove_prefix(*sent);
  }
  if (rest_.empty()) {
    waiter.resume();
    return;
  }
  wait_for(socket.begin_to_wait(socket.writable));
  waiter_ = std::move(waiter);
  socket_ = &socket;
  socket.writing = true;
}

// One call a report: the others get their turn, however fast the peer reads.
void WriteAll::Writing::on_ready() noexcept {
  if (!waiter_.pending()) return leave();
  try {
    const auto sent = socket_->send(rest_);
    if (!sent) return;
    rest_.remove_prefix(*sent);
    if (!rest_.empty()) return;
    leave();
    waiter_.resume();
  } catch (...) {
    leave();
    waiter_.throw_(Failure::current());
  }
}

void WriteAll::Writing::on_end(Failure failure) noexcept { waiter_.throw_(std::move(failure)); }

WriteAll::operator Task<void>() && {
  return [](WriteAll self) -> Task<void> { co_await unlisted(std::move(self)); }(std::move(*this));
}

}  // namespace deferred::io
