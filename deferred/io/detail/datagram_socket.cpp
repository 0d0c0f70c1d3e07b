// SPDX-License-Identifier: MIT
#include "deferred/io/detail/datagram_socket.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "deferred/io/detail/native_address.hpp"
#include "deferred/io/detail/operations.hpp"
#include "deferred/io/detail/socket.hpp"

namespace deferred::io::detail {
namespace {

std::error_code connect_to(int socket, const Address& to) noexcept {
  return ::connect(socket, native(to), size_of(to)) == 0 ? std::error_code() : last_error();
}

// All that it may hold of datagrams that their receivers have not taken: net/core/sock.c,
// sock_alloc_send_pskb().
bool is_full(int socket, const std::string& what) {
  int held = 0;
  return ::ioctl(socket, SIOCOUTQ, &held) == 0 && held >= option(socket, SO_SNDBUF, what);
}

}  // namespace

void RoomToSend::forget() noexcept {
  watch_ = Watch();
  second_.close();
}

void RoomToSend::look_at_socket() noexcept {
  if (second_) forget();
}

void RoomToSend::look_at_queue_of(const Address& receiver, const std::string& what) {
  Descriptor second = new_socket(Address::Family::unix_domain, true, what);
  const std::error_code error = connect_to(second.fd(), receiver);
  // The receiver has a peer: this socket, for which its queue is never full - so it was this one
  // that was - or another, which the next try is told: unix_dgram_sendmsg() in net/unix/af_unix.c.
  if (error == std::errc::operation_not_permitted) return look_at_socket();
  if (error) throw std::system_error(error, what);
  watch_ = Watch();
  second_ = std::move(second);
}

void RoomToSend::arm() {
  if (watch_.active()) {
    watch_.set_interest(Ready::write);
  } else {
    const int fd = second_ ? second_.fd() : socket_;
    watch_ = reactor().watch(fd, Ready::write, [this] { report(); });
  }
}

void RoomToSend::disarm() noexcept {
  if (second_) return forget();
  try {
    watch_.set_interest(Ready::none);
  } catch (...) {
    // A report too many is harmless.
  }
}

SocketDatagrams::SocketDatagrams(Reactor& reactor, Descriptor socket, BoundPath path,
                                 std::optional<Address> peer)
    : DatagramTransport(reactor, socket_readable_, room_, std::move(peer)),
      socket_(std::move(socket)),
      socket_readable_(reactor, socket_.fd(), Ready::read),
      room_(reactor, socket_.fd()),
      local_(local_address(socket_.fd(), "address of datagrams").unmapped()),
      path_(std::move(path)) {
  const auto& connected_to = DatagramTransport::peer();
  const bool is_named = connected_to && connected_to->family() != Address::Family::unnamed;
  if (is_named) only_from_ = connected_to;
}

bool SocketDatagrams::is_unix() const noexcept {
  return local_.family() == Address::Family::unix_domain ||
         local_.family() == Address::Family::unnamed;
}

std::optional<Received> SocketDatagrams::try_receive(std::span<char> into) {
  while (true) {
    sockaddr_storage name{};
    iovec room{into.data(), into.size()};
    msghdr message{};
    message.msg_name = &name;
    message.msg_namelen = sizeof name;
    message.msg_iov = &room;
    message.msg_iovlen = 1;
    const auto got = ::recvmsg(socket_.fd(), &message, MSG_DONTWAIT);
    if (got >= 0) {
      const Address from =
          Address::from_native(std::as_bytes(std::span(&name, 1)).first(message.msg_namelen))
              .unmapped();
      if (only_from_ && from != *only_from_) continue;
      return Received(static_cast<std::size_t>(got), peer() ? *peer() : from,
                      (message.msg_flags & MSG_TRUNC) != 0);
    }
    if (would_block()) return std::nullopt;
    if (errno != EINTR) throw std::system_error(last_error(), receiving());
  }
}

bool SocketDatagrams::try_send(std::string_view data, const Address& to) {
  while (true) {
    const bool has_peer = peer().has_value();
    const auto sent = ::sendto(socket_.fd(), data.data(), data.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                               has_peer ? nullptr : native(to), has_peer ? 0 : size_of(to));
    if (sent >= 0) {
      room_.look_at_socket();
      return true;
    }
    std::error_code error = last_error();
    if (error == std::errc::operation_would_block) {
      look_for_room(to);
      return false;
    }
    if (has_peer && is_unix()) error = connect_again(to, error);
    if (error && error != std::errc::interrupted) throw std::system_error(error, sending_to(to));
  }
}

void SocketDatagrams::look_for_room(const Address& to) {
  if (!is_unix() || peer()) return room_.look_at_socket();
  const std::string what = sending_to(to);
  if (is_full(socket_.fd(), what)) return room_.look_at_socket();
  room_.look_at_queue_of(to, what);
}

// The kernel refuses a datagram to a Unix socket that has ended, and is then connected to nobody:
// unix(7) does not say it, unix_dgram_sendmsg() in net/unix/af_unix.c does it.
std::error_code SocketDatagrams::connect_again(const Address& to, std::error_code sent) {
  const bool is_refused = sent == std::errc::connection_refused;
  const bool is_lost = is_refused || sent == std::errc::not_connected;
  if (!is_lost || to.family() != Address::Family::unix_domain) return sent;
  const std::error_code error = connect_to(socket_.fd(), to);
  if (error) return is_refused ? sent : error;
  only_from_ = peer_address(socket_.fd(), sending_to(to));
  return {};
}

Address SocketDatagrams::do_connect(const Address& to) {
  const std::string what = connecting + to.text();
  const bool is_ip = to.family() == Address::Family::ipv4 || to.family() == Address::Family::ipv6;
  // The kernel would connect to it, and say then that it is not connected.
  if (is_ip && to.port() == 0) {
    throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                            what + ": a peer has a port");
  }
  const std::error_code error = connect_to(socket_.fd(), to);
  if (error) throw std::system_error(error, what);
  try {
    const Address named = peer_address(socket_.fd(), what).unmapped();
    local_ = local_address(socket_.fd(), what).unmapped();
    only_from_ = named;
    return is_unix() ? to : named;
  } catch (...) {
    connect_back();
    throw;
  }
}

void SocketDatagrams::connect_back() noexcept {
  if (peer() && !connect_to(socket_.fd(), *peer())) return;
  const sockaddr nobody{AF_UNSPEC, {}};
  ::connect(socket_.fd(), &nobody, sizeof nobody);
  // A port that the kernel has picked is gone with that: __udp_disconnect() in net/ipv4/udp.c.
  if (!is_unix()) ::bind(socket_.fd(), native(local_), size_of(local_));
}

void SocketDatagrams::do_close() noexcept {
  socket_readable_.forget();
  room_.forget();
  path_.remove();
  socket_.close();
}

}  // namespace deferred::io::detail
