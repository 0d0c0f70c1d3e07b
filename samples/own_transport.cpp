// SPDX-License-Identifier: MIT
//
// Shows: a transport of one's own, which all protocols take as a stream. It says what it can do
// now, and two Readiness objects when to try again; this one is a Unix socket.
// Prints: a netstring that went over it, and what its reader finds behind that.
#include <sys/socket.h>
#include <cerrno>
#include <deferred/deferred.hpp>
#include <iostream>
#include <system_error>

using namespace deferred;

class OwnTransport final : public io::Transport {
 public:
  OwnTransport(Reactor& reactor, int socket)
      : Transport(reactor, "the other end", can_read_, can_write_),
        socket_(socket),
        can_read_(reactor, socket, Ready::read),
        can_write_(reactor, socket, Ready::write) {}

  std::optional<std::size_t> try_read(std::span<char> into) override {
    if (broken_ != 0) errno = broken_;  // an error stays: the kernel tells it once
    const ssize_t got = broken_ ? -1 : recv(socket_.fd(), into.data(), into.size(), 0);
    if (got < 0 && errno != EAGAIN) broken_ = errno;
    return moved(got, "read from ");
  }
  std::optional<std::size_t> try_write(std::string_view data) override {
    return moved(send(socket_.fd(), data.data(), data.size(), MSG_NOSIGNAL), "write to ");
  }
  bool try_shutdown_write() override {
    return moved(shutdown(socket_.fd(), SHUT_WR), "shut down writing to ").has_value();
  }

 private:
  void do_close(io::Ending) noexcept override {  // after it nothing is touched any more
    can_read_.forget();
    can_write_.forget();
    socket_.close();
  }
  std::optional<std::size_t> moved(ssize_t bytes, const char* what) const {
    if (bytes >= 0) return static_cast<std::size_t>(bytes);
    if (errno == EAGAIN) return std::nullopt;  // who asked waits for readable(), or writable()
    throw std::system_error(errno, std::generic_category(), what + peer());
  }

  io::Descriptor socket_;  // before what watches it
  io::FdReadiness can_read_, can_write_;
  int broken_ = 0;  // reading, by this error
};

Task<int> hear(io::Stream stream) {
  while (true) {
    const auto heard = co_await io::read_netstring(stream);
    if (!heard) break;
    std::cout << "heard: " << *heard << '\n';
  }
  std::cout << "and then the end\n";
  co_return 0;
}

Task<> speak(io::Stream stream) { co_await stream.write_all(io::encode_netstring("hello")); }

int main() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) return 1;
  Reactor reactor;
  spawn(reactor, speak(io::make_stream<OwnTransport>(reactor, ends[0]))).detach();
  return reactor.run(hear(io::make_stream<OwnTransport>(reactor, ends[1])));
}
