// SPDX-License-Identifier: MIT
#include "deferred/io/datagram.hpp"

#include <string>
#include <system_error>
#include <utility>

#include "deferred/io/detail/operations.hpp"
#include "deferred/io/errors.hpp"
#include "deferred/yieldables/cancel_point.hpp"
#include "deferred/yieldables/pause.hpp"

namespace deferred::io {
namespace {

std::string text(const char* what, const Address& address) { return what + address.text(); }

[[noreturn, gnu::cold]] void refuse(Errc why, const char* what, const Address& address) {
  throw std::system_error(why, text(what, address));
}

[[noreturn, gnu::cold]] void moved_from(const char* what) {
  throw std::system_error(Errc::closed, std::string(what) + " a Datagram that was moved from");
}

}  // namespace

/// A task's right to receive, for the life of one operation.
class DatagramTransport::Receiving {
 public:
  explicit Receiving(DatagramTransport& transport) : transport_(transport) {
    require_open();
    if (transport.receives_) refuse(Errc::busy, detail::receiving, transport.local());
    transport.receives_ = true;
  }
  Receiving(const Receiving&) = delete;
  Receiving& operator=(const Receiving&) = delete;
  ~Receiving() { transport_.receives_ = false; }

  void require_open() const {
    if (!transport_.open_) refuse(Errc::closed, detail::receiving, transport_.local());
  }

 private:
  DatagramTransport& transport_;
};

/// The same of a task that sends.
class DatagramTransport::Sending {
 public:
  Sending(DatagramTransport& transport, const Address& to) : transport_(transport), to_(to) {
    require_open();
    if (transport.sends_to_) refuse(Errc::busy, detail::sending, to);
    transport.sends_to_ = &to_;
  }
  Sending(const Sending&) = delete;
  Sending& operator=(const Sending&) = delete;
  ~Sending() { transport_.sends_to_ = nullptr; }

  const Address& to() const noexcept { return to_; }
  void require_open() const {
    if (!transport_.open_) refuse(Errc::closed, detail::sending, to_);
  }

 private:
  DatagramTransport& transport_;
  const Address to_;
};

std::string DatagramTransport::receiving() const { return text(detail::receiving, local()); }
std::string DatagramTransport::sending_to(const Address& to) { return text(detail::sending, to); }

const Address& DatagramTransport::receiver(const std::optional<Address>& to) const {
  if (to && peer_ && *to != *peer_) {
    throw std::system_error(std::make_error_code(std::errc::already_connected), sending_to(*to));
  }
  if (to) return *to;
  if (peer_) return *peer_;
  if (!open_) refuse(Errc::closed, detail::sending, local());
  throw std::system_error(std::make_error_code(std::errc::destination_address_required),
                          std::string(detail::sending) + "nobody");
}

void DatagramTransport::connect(const Address& peer) {
  if (!open_) refuse(Errc::closed, detail::connecting, peer);
  if (sends_to_) refuse(Errc::busy, detail::connecting, peer);
  peer_ = do_connect(peer);
}

Failure DatagramTransport::closed(const char* what, const Address* at) const noexcept {
  try {
    return Failure(std::system_error(Errc::closed, text(what, at ? *at : local())));
  } catch (...) {  // out of memory for that
    return Failure::current();
  }
}

void DatagramTransport::close() noexcept {
  if (!std::exchange(open_, false)) return;
  const DatagramPointer alive(this);  // who is told may drop it
  if (readable_.waited_for()) readable_.end(closed(detail::receiving, nullptr));
  if (writable_.waited_for()) writable_.end(closed(detail::sending, sends_to_));
  do_close();
}

Datagram& Datagram::operator=(Datagram&& other) noexcept {
  Datagram old(std::move(other));
  std::swap(transport_, old.transport_);
  return *this;
}

// Before each try is a cancel point, and behind it no wait: a task that was cancelled when its wait
// had ended takes no datagram, and one that has taken it gives it.
Task<Received> Datagram::receive_on(DatagramPointer transport, std::span<char> buffer) {
  co_await cancel_point;
  if (!transport) moved_from("receive on");
  transport->readable_.require_same(Reactor::current());
  const DatagramTransport::Receiving claim(*transport);
  while (true) {
    if (transport->has_run_long()) co_await Pause{};
    co_await cancel_point;
    claim.require_open();
    const std::optional<Received> received = transport->try_receive(buffer);
    if (received) co_return *received;
    co_await transport->begin_to_wait(transport->readable_).wait();
  }
}

Task<void> Datagram::send_on(DatagramPointer transport, std::string_view data,
                             std::optional<Address> to) {
  co_await cancel_point;
  if (!transport) moved_from("send on");
  transport->writable_.require_same(Reactor::current());
  const DatagramTransport::Sending claim(*transport, transport->receiver(to));
  while (true) {
    if (transport->has_run_long()) co_await Pause{};
    co_await cancel_point;
    claim.require_open();
    const bool taken = transport->try_send(data, claim.to());
    if (taken) co_return;
    co_await transport->begin_to_wait(transport->writable_).wait();
  }
}

Task<Received> Datagram::receive(std::span<char> buffer) { return receive_on(transport_, buffer); }
Task<void> Datagram::send_to(std::string_view data, const Address& to) {
  return send_on(transport_, data, to);
}
Task<void> Datagram::send(std::string_view data) { return send_on(transport_, data, std::nullopt); }

void Datagram::connect(const Address& peer) { transport().connect(peer); }

void Datagram::close() noexcept {
  if (transport_) transport_->close();
}

Address Datagram::local() const { return transport_ ? transport_->local() : Address(); }
std::optional<Address> Datagram::peer() const {
  return transport_ ? transport_->peer() : std::nullopt;
}
DatagramTransport& Datagram::transport() const {
  if (!transport_) moved_from("transport() of");
  return *transport_;
}
Reactor& Datagram::reactor() const {
  if (!transport_) moved_from("reactor() of");
  return transport_->reactor();
}

}  // namespace deferred::io
