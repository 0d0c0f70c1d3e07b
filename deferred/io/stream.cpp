// SPDX-License-Identifier: MIT
#include "deferred/io/stream.hpp"

#include <array>
#include <system_error>
#include <utility>

#include "deferred/io/detail/operations.hpp"
#include "deferred/io/errors.hpp"
#include "deferred/yieldables/cancel_point.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/with_timeout.hpp"

namespace deferred::io {
namespace {

using detail::reading;
using detail::shutting_down;

template <class T>
Task<T> no_connection(const char* what) {
  co_await cancel_point;
  throw std::system_error(Errc::closed, std::string(what) + "nobody");
}

// Until the peer ends or has sent too much.
Task<void> read_and_drop(Stream& stream, std::size_t most) {
  std::array<char, 4096> dropped;
  co_await stream.shutdown_write();
  for (std::size_t all = 0; all < most;) {
    const std::size_t got = co_await stream.read_some(dropped);
    if (got == 0) co_return;
    all += got;
  }
}

}  // namespace

namespace detail {

/// Closes it also where a cancel ends the task.
class CloseAtEnd {
 public:
  explicit CloseAtEnd(Stream& stream) noexcept : stream_(stream) {}
  CloseAtEnd(const CloseAtEnd&) = delete;
  CloseAtEnd& operator=(const CloseAtEnd&) = delete;
  ~CloseAtEnd() { stream_.close(); }

 private:
  Stream& stream_;
};

}  // namespace detail

Stream& Stream::operator=(Stream&& other) noexcept {
  Stream old(std::move(other));
  std::swap(transport_, old.transport_);
  return *this;
}

// Collects in the stream's own buffer, where it stays if the task is cancelled.
Task<void> Stream::read_exactly_of(TransportPointer transport, std::span<char> buffer) {
  co_await cancel_point;
  const Transport::Claim claim(*transport, transport->reading_, reading);
  while (transport->unread().size() < buffer.size()) {
    transport->require_open(reading);
    if (!transport->should_wait_first()) {
      const auto got = transport->read_onto_unread(buffer.size() - transport->unread().size());
      if (got && *got == 0) throw std::system_error(Errc::ended, reading + transport->peer_);
      if (got) continue;
    }
    co_await transport->begin_to_wait(transport->readable_).wait();
    co_await cancel_point;
  }
  transport->take_unread(buffer);
}

Task<std::string> Stream::read_to_end_of(TransportPointer transport, std::size_t limit) {
  co_await cancel_point;
  const Transport::Claim claim(*transport, transport->reading_, reading);
  while (true) {
    const std::size_t have = transport->unread().size();
    if (have > limit) {
      throw std::system_error(Errc::too_long, reading + transport->peer_ + ", at most " +
                                                  std::to_string(limit) + " bytes");
    }
    if (transport->has_run_long()) {
      co_await Pause{};
      co_await cancel_point;
    }
    transport->require_open(reading);
    const auto got = transport->read_onto_unread(limit - have + (limit - have < std::string::npos));
    if (!got) {
      co_await transport->begin_to_wait(transport->readable_).wait();
      co_await cancel_point;
    } else if (*got == 0) {
      transport->unread_.erase(0, std::exchange(transport->consumed_, 0));
      transport->searched_ = 0;
      co_return std::exchange(transport->unread_, {});
    }
  }
}

Task<bool> Stream::read_more_of(TransportPointer transport) {
  co_await cancel_point;
  const Transport::Claim claim(*transport, transport->reading_, reading);
  while (true) {
    transport->require_open(reading);
    if (!transport->should_wait_first()) {
      const auto got = transport->read_onto_unread(std::string::npos);
      if (got) co_return *got != 0;
    }
    co_await transport->begin_to_wait(transport->readable_).wait();
    co_await cancel_point;
  }
}

Task<void> Stream::shutdown_write_of(TransportPointer transport) {
  co_await cancel_point;
  const Transport::Claim claim(*transport, transport->writing_, shutting_down);
  while (!transport->try_shutdown_write()) {
    co_await transport->begin_to_wait(transport->writable_).wait();
    transport->require_open(shutting_down);
  }
}

Task<void> Stream::read_exactly(std::span<char> buffer) {
  return transport_ ? read_exactly_of(transport_, buffer) : no_connection<void>(reading);
}
Task<std::string> Stream::read_to_end(std::size_t limit) {
  return transport_ ? read_to_end_of(transport_, limit) : no_connection<std::string>(reading);
}
Task<bool> Stream::read_more() {
  return transport_ ? read_more_of(transport_) : no_connection<bool>(reading);
}
Task<void> Stream::shutdown_write() {
  return transport_ ? shutdown_write_of(transport_) : no_connection<void>(shutting_down);
}

std::string_view Stream::buffered() const noexcept {
  return transport_ ? transport_->unread() : std::string_view();
}
std::size_t Stream::find_buffered(char byte) noexcept {
  return transport_ ? transport_->find_unread(byte) : std::string_view::npos;
}
void Stream::consume(std::size_t bytes) noexcept {
  if (transport_) transport_->consume(bytes);
}

void Stream::close() noexcept {
  if (transport_) transport_->close(Ending::polite);
}
void Stream::abort() noexcept {
  if (transport_) transport_->close(Ending::reset);
}

std::string Stream::peer() const { return transport_ ? transport_->peer() : std::string(); }
std::string Stream::local() const {
  if (!is_open()) throw std::system_error(Errc::closed, "local address of a connection");
  return transport_->local();
}
Transport& Stream::transport() const {
  if (!transport_) throw std::system_error(Errc::closed, "Stream::transport(): it was moved from");
  return *transport_;
}
Reactor& Stream::reactor() const {
  if (!transport_) throw std::system_error(Errc::closed, "Stream::reactor(): it was moved from");
  return transport_->reactor();
}

Task<void> linger_close(Stream& stream, std::size_t most, AnyDuration most_time) {
  const detail::CloseAtEnd closing(stream);
  try {
    Task<void> rest = read_and_drop(stream, most);
    co_await with_timeout(most_time, std::move(rest));
  } catch (const TimeoutError&) {
  } catch (const std::system_error&) {
  }
}

}  // namespace deferred::io
