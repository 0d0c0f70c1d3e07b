// SPDX-License-Identifier: MIT
//
// KJ: a chain of .then() a connection; the packaged release has no coroutines. SIGUSR1 is its own.
#include <kj/async-io.h>

#include "server.hpp"

namespace {

class Connection {
 public:
  explicit Connection(kj::Own<kj::AsyncIoStream> stream) : stream_(kj::mv(stream)) {}

  kj::Promise<void> serve() {
    return stream_->tryRead(buffer_, 1, sizeof buffer_)
        .then([this](size_t got) -> kj::Promise<void> {
          if (got == 0) return kj::READY_NOW;
          return stream_->write(buffer_, got).then([this] { return serve(); });
        });
  }

 private:
  kj::Own<kj::AsyncIoStream> stream_;
  char buffer_[echo::room];
};

class Server : private kj::TaskSet::ErrorHandler {
 public:
  explicit Server(kj::ConnectionReceiver& listener) : listener_(listener), connections_(*this) {}

  kj::Promise<void> accept_all() {
    return listener_.accept().then([this](kj::Own<kj::AsyncIoStream> stream) {
      auto connection = kj::heap<Connection>(kj::mv(stream));
      auto served = connection->serve();
      connections_.add(served.attach(kj::mv(connection)));
      return accept_all();
    });
  }

 private:
  void taskFailed(kj::Exception&&) override {}  // a connection's end

  kj::ConnectionReceiver& listener_;
  kj::TaskSet connections_;
};

}  // namespace

int main() {
  auto io = kj::setupAsyncIo();
  const int socket = echo::listen_on_loopback();
  auto listener = io.lowLevelProvider->wrapListenSocketFd(
      socket, kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP |
                  kj::LowLevelAsyncIoProvider::ALREADY_NONBLOCK |
                  kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC);
  Server server(*listener);
  echo::announce(echo::port_of(socket));
  server.accept_all().wait(io.waitScope);
}
