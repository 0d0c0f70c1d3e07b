// SPDX-License-Identifier: MIT
#include "deferred/io/tcp_listener.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "deferred/io/detail/socket.hpp"
#include "deferred/io/errors.hpp"
#include "deferred/yieldables/cancel_point.hpp"
#include "deferred/yieldables/pause.hpp"

namespace deferred::io {
namespace {

using namespace std::chrono_literals;

constexpr const char* accepting = "accept on ";
constexpr Duration first_rest = 5ms;
constexpr Duration longest_rest = 80ms;

// "localhost" is also ::1, which comes first; but most clients try 127.0.0.1.
detail::Address address_to_listen_on(std::string_view host, std::uint16_t port,
                                     const std::string& what) {
  return detail::Address::of(host, port, what).back();
}

}  // namespace

struct TcpListener::Shared {
  Shared(Reactor& reactor, const detail::Address& at, int backlog, const std::string& what)
      : socket(reactor, at, at.text(), what) {
    socket.listen_on(at, backlog, what);
    const detail::Address bound = socket.local();
    socket.peer = bound.text();
    port = bound.port();
  }

  detail::Socket socket;
  std::uint16_t port = 0;
  Duration rest{0};  // the next one after an error; zero while all is well
  bool must_rest = false;
};

TcpListener::TcpListener(std::string_view host, std::uint16_t port, int backlog)
    : TcpListener(Reactor::current(), host, port, backlog) {}

TcpListener::TcpListener(Reactor& reactor, std::string_view host, std::uint16_t port, int backlog) {
  const std::string what = "listen on " + detail::host_and_port(host, port);
  shared_ =
      std::make_shared<Shared>(reactor, address_to_listen_on(host, port, what), backlog, what);
}

TcpListener& TcpListener::operator=(TcpListener&& other) noexcept {
  TcpListener old(std::move(other));
  std::swap(shared_, old.shared_);
  return *this;
}

Task<TcpStream> TcpListener::accept() { return accept_on(shared_); }

Task<TcpStream> TcpListener::accept_on(std::shared_ptr<Shared> shared) {
  co_await cancel_point;
  // What would fail at once rests a turn before it does: a loop that only reports the error keeps
  // nobody from his turns.
  const bool can_begin = shared && shared->socket.fd >= 0 && !shared->socket.reading;
  if (!can_begin) co_await Pause{};
  if (!shared) throw std::system_error(Errc::closed, "accept on a listener that was moved from");
  detail::Socket& socket = shared->socket;
  const detail::Claim claim(socket, socket.reading, accepting);
  while (true) {
    if (shared->must_rest) {
      co_await socket.readable.rest(shared->rest);
      shared->must_rest = false;
    }
    if (socket.has_run_long()) co_await Pause{};
    socket.require_open(accepting);
    std::optional<detail::Socket::Accepted> accepted;
    try {
      accepted = socket.accept();
      if (accepted) {
        const auto made = detail::SocketPointer::make(socket.reactor, std::move(accepted->fd),
                                                      accepted->peer.text());
        shared->rest = Duration::zero();
        made->send_without_delay();
        co_return TcpStream(made);
      }
    } catch (const std::exception&) {  // out of descriptors, or of memory
      shared->rest = std::clamp(2 * shared->rest, first_rest, longest_rest);
      shared->must_rest = true;
      throw;
    }
    co_await socket.wait_readable();
  }
}

void TcpListener::close() noexcept {
  if (shared_) shared_->socket.close();
}
bool TcpListener::is_open() const noexcept { return shared_ && shared_->socket.fd >= 0; }
std::string TcpListener::local() const { return shared_ ? shared_->socket.peer : std::string(); }
std::uint16_t TcpListener::port() const noexcept { return shared_ ? shared_->port : 0; }
int TcpListener::fd() const noexcept { return shared_ ? shared_->socket.fd : -1; }
Reactor& TcpListener::reactor() const {
  if (!shared_) throw std::system_error(Errc::closed, "TcpListener::reactor(): it was moved from");
  return shared_->socket.reactor;
}

}  // namespace deferred::io
