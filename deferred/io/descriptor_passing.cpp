// SPDX-License-Identifier: MIT
#include "deferred/io/descriptor_passing.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <system_error>

#include "deferred/io/detail/operations.hpp"
#include "deferred/io/detail/socket.hpp"
#include "deferred/io/detail/transport_access.hpp"
#include "deferred/io/errors.hpp"
#include "deferred/yieldables/cancel_point.hpp"
#include "deferred/yieldables/pause.hpp"

namespace deferred::io {
namespace {

using detail::last_error;
using detail::reading;
using detail::would_block;
using detail::writing;
using Access = detail::TransportAccess;

constexpr std::size_t most_of_kernel = 253;  // SCM_MAX_FD

// The socket of a stream that is one of Unix. Of a transport over one, as of TLS, it would be
// written past that.
int unix_socket(const Transport& transport, const char* what) {
  int domain = -1;
  socklen_t size = sizeof domain;
  const int fd = dynamic_cast<const detail::SocketTransport*>(&transport) != nullptr
                     ? transport.descriptor()
                     : -1;
  if (fd < 0 || ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0 || domain != AF_UNIX) {
    throw std::system_error(Errc::not_supported, what + transport.peer());
  }
  return fd;
}

// Room for the control message, aligned as it has to be.
class Control {
 public:
  explicit Control(std::size_t descriptors) : room_(CMSG_SPACE(descriptors * sizeof(int))) {
    message_.msg_control = room_.data();
    message_.msg_controllen = room_.size();
  }
  msghdr& over(iovec& bytes) noexcept {
    message_.msg_iov = &bytes;
    message_.msg_iovlen = 1;
    return message_;
  }

 private:
  std::vector<char> room_;  // of operator new, and so aligned
  msghdr message_{};
};

// Nothing: it would block.
std::optional<std::size_t> try_send(const Transport& transport, std::string_view data,
                                    std::span<const int> descriptors) {
  Control control(descriptors.size());
  iovec bytes{const_cast<char*>(data.data()), data.size()};
  msghdr& message = control.over(bytes);
  if (descriptors.empty()) message.msg_controllen = 0;
  if (cmsghdr* const head = descriptors.empty() ? nullptr : CMSG_FIRSTHDR(&message)) {
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(head), descriptors.data(), descriptors.size_bytes());
  }
  while (true) {
    const auto sent = ::sendmsg(transport.descriptor(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (would_block()) return std::nullopt;
    if (errno != EINTR) throw std::system_error(last_error(), writing + transport.peer());
  }
}

// Takes what came with a message. REQUIRES: there is room for all of it, for nothing may fail.
void take_descriptors(msghdr& message, std::vector<Descriptor>& into) noexcept {
  for (cmsghdr* head = CMSG_FIRSTHDR(&message); head; head = CMSG_NXTHDR(&message, head)) {
    if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(head) + i * sizeof fd, sizeof fd);
      into.emplace_back(fd);
    }
  }
}

Task<void> send_over(TransportPointer transport, std::string_view data,
                     std::span<const int> descriptors) {
  co_await cancel_point;
  if (data.empty()) throw std::invalid_argument("send_with_descriptors: there is no data");
  if (descriptors.size() > most_of_kernel) {
    throw std::invalid_argument("send_with_descriptors: more than 253 at once");
  }
  Access::Writing message(*transport, data.size());
  unix_socket(*transport, writing);
  while (message.taken < data.size()) {
    if (Access::has_run_long(*transport)) co_await Pause{};
    co_await cancel_point;  // also behind a wait
    Access::require_open(*transport, writing);
    const std::optional<std::size_t> sent =
        message.taken == 0 ? try_send(*transport, data, descriptors)
                           : try_send(*transport, data.substr(message.taken), {});
    if (sent) {
      message.taken += *sent;
      Access::count_written(*transport, *sent);
    } else {
      co_await Access::begin_to_wait(*transport, transport->writable()).wait();
    }
  }
}

// Nothing: it would block.
std::optional<ReceivedDescriptors> try_receive(Transport& transport, std::span<char> buffer,
                                               std::size_t most) {
  // The kernel rounds the room up to 8 bytes, which has space for one more.
  std::vector<Descriptor> all;
  all.reserve(most + 1);
  Control control(most);
  iovec bytes{buffer.data(), buffer.size()};
  msghdr& message = control.over(bytes);
  std::ptrdiff_t got = -1;
  do {
    got = ::recvmsg(transport.descriptor(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  if (got < 0 && would_block()) return std::nullopt;
  if (got < 0) throw std::system_error(last_error(), reading + transport.peer());
  const auto size = static_cast<std::size_t>(got);
  take_descriptors(message, all);
  Access::count_read(transport, size);
  if ((message.msg_flags & MSG_CTRUNC) != 0 || all.size() > most) {
    Access::keep_unread(transport, std::string_view(buffer.data(), size));
    throw std::system_error(Errc::descriptors_lost, reading + transport.peer());
  }
  return ReceivedDescriptors(size, std::move(all));
}

Task<ReceivedDescriptors> receive_over(TransportPointer transport, std::span<char> buffer,
                                       std::size_t most) {
  co_await cancel_point;
  if (buffer.empty()) throw std::invalid_argument("receive_with_descriptors: the buffer is empty");
  const auto claim = Access::claim_reading(*transport);
  unix_socket(*transport, reading);
  if (!Access::unread(*transport).empty()) {
    const std::size_t size = Access::take_unread(*transport, buffer);
    co_return ReceivedDescriptors(size, {});
  }
  // What is read cannot be given back: it is kept, if descriptors are lost, and may not fail then.
  Access::make_room(*transport, buffer.size());
  while (true) {
    if (Access::has_run_long(*transport)) co_await Pause{};
    co_await cancel_point;  // also behind a wait: what is read cannot be given back
    Access::require_open(*transport, reading);
    std::optional<ReceivedDescriptors> got =
        try_receive(*transport, buffer, std::min(most, most_of_kernel));
    if (got) co_return std::move(*got);
    co_await Access::begin_to_wait(*transport, transport->readable()).wait();
  }
}

}  // namespace

Task<void> send_with_descriptors(Stream& stream, std::string_view data,
                                 std::span<const int> descriptors) {
  return send_over(TransportPointer(&stream.transport()), data, descriptors);
}

Task<ReceivedDescriptors> receive_with_descriptors(Stream& stream, std::span<char> buffer,
                                                   std::size_t most) {
  return receive_over(TransportPointer(&stream.transport()), buffer, most);
}

Credentials peer_credentials(const Stream& stream) {
  const Transport& transport = stream.transport();
  if (!stream.is_open()) {
    throw std::system_error(Errc::closed, "credentials of " + transport.peer());
  }
  const int fd = unix_socket(transport, "credentials of ");
  ucred found{};
  socklen_t size = sizeof found;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &found, &size) != 0) {
    throw std::system_error(last_error(), "credentials of " + transport.peer());
  }
  return Credentials(found.pid, found.uid, found.gid);
}

}  // namespace deferred::io
