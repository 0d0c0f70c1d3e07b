// SPDX-License-Identifier: MIT
#include "deferred/io/endpoint_kinds.hpp"

#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "deferred/io/adopt.hpp"
#include "deferred/io/bind.hpp"
#include "deferred/io/connect.hpp"
#include "deferred/io/detail/datagram_kinds.hpp"
#include "deferred/io/detail/endpoint_kinds.hpp"
#include "deferred/io/detail/local_kinds.hpp"
#include "deferred/io/listen.hpp"
#include "deferred/io/network.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/tasks/cancel_scope.hpp"
#include "deferred/yieldables/cancel_point.hpp"

namespace deferred::io {
namespace {

std::optional<int> number(const std::string& text, int base) {
  int value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, base);
  if (error != std::errc() || stop != end || value < 0) return std::nullopt;
  return value;
}

class Tcp final : public EndpointKind {
 public:
  Task<Stream> connect(Endpoint endpoint, ConnectOptions options) override {
    endpoint.require("tcp:HOST:PORT", 2, 2);
    return io::connect(endpoint.part(0), endpoint.port(1), options);
  }
  Listener listen(Reactor& reactor, const Endpoint& endpoint,
                  const ListenOptions& options) override {
    detail::require_tcp_listener(endpoint);
    return io::listen(reactor, endpoint.part(0), endpoint.port(1),
                      detail::options_of(endpoint, options));
  }
};

class Unix final : public EndpointKind {
 public:
  Task<Stream> connect(Endpoint endpoint, ConnectOptions options) override {
    endpoint.require("unix:PATH", 1, 1);
    return connect_to(Address::unix_path(endpoint.part(0)), options.limit);
  }
  Listener listen(Reactor& reactor, const Endpoint& endpoint,
                  const ListenOptions& options) override {
    detail::require_unix_listener(endpoint);
    return current_network(reactor).listen(Address::unix_path(endpoint.part(0)),
                                           detail::options_of(endpoint, options));
  }

 private:
  static Task<Stream> connect_to(Address address, Duration limit) {
    Task<Stream> connecting = current_network().connect(address);
    std::optional<Stream> stream = co_await move_on_after(limit, std::move(connecting));
    if (!stream) {
      throw std::system_error(std::make_error_code(std::errc::timed_out),
                              "connect to " + address.text());
    }
    co_return std::move(*stream);
  }
};

class Fd final : public EndpointKind {
 public:
  Task<Stream> connect(Endpoint endpoint, ConnectOptions) override {
    return adopted(descriptor(endpoint));
  }
  Listener listen(Reactor& reactor, const Endpoint& endpoint, const ListenOptions&) override {
    return io::listen(reactor, Descriptor(descriptor(endpoint)));
  }
  Datagram bind(Reactor& reactor, const Endpoint& endpoint, const ListenOptions&) override {
    return adopt_datagram(reactor, Descriptor(descriptor(endpoint)));
  }
  Task<Datagram> connect_datagram(Endpoint endpoint, ConnectOptions) override {
    return adopted_datagram(descriptor(endpoint));
  }

 private:
  static int descriptor(const Endpoint& endpoint) {
    endpoint.require("fd:NUMBER", 1, 1);
    const auto fd = number(endpoint.part(0), 10);
    if (!fd) endpoint.refuse("a descriptor is a number");
    return *fd;
  }
  static Task<Stream> adopted(int fd) {
    co_await cancel_point;
    co_return adopt(Descriptor(fd));
  }
  static Task<Datagram> adopted_datagram(int fd) {
    co_await cancel_point;
    co_return adopt_datagram(Descriptor(fd));
  }
};

}  // namespace

Datagram EndpointKind::bind(Reactor&, const Endpoint& endpoint, const ListenOptions&) {
  endpoint.refuse("it is of streams: listen()");
}
Task<Datagram> EndpointKind::connect_datagram(Endpoint endpoint, ConnectOptions) {
  endpoint.refuse("it is of streams: connect()");
}

namespace detail {

Kinds::Kinds(Reactor&) {
  kinds_["tcp"] = std::make_shared<Tcp>();
  kinds_["unix"] = std::make_shared<Unix>();
  kinds_["udp"] = std::make_shared<UdpKind>();
  kinds_["unixgram"] = std::make_shared<UnixDatagramKind>();
  kinds_["fd"] = std::make_shared<Fd>();
  kinds_["stdio"] = std::make_shared<StandardKind>();
  kinds_["process"] = std::make_shared<ProcessKind>();
}

std::shared_ptr<EndpointKind> Kinds::of(const Endpoint& endpoint) const {
  const auto found = kinds_.find(endpoint.kind());
  if (found != kinds_.end()) return found->second;
  std::string known;
  for (const auto& [name, kind] : kinds_) known += (known.empty() ? "" : ", ") + name;
  endpoint.refuse("there is no kind '" + endpoint.kind() + "' on this reactor; there are " + known);
}

void Kinds::set(std::string name, std::shared_ptr<EndpointKind> kind) {
  kinds_[std::move(name)] = std::move(kind);
}

ListenOptions options_of(const Endpoint& endpoint, ListenOptions options) {
  if (const std::string* const text = endpoint.option("backlog")) {
    const auto value = number(*text, 10);
    if (!value) endpoint.refuse("backlog= is a number");
    options.backlog = *value;
  }
  if (const std::string* const text = endpoint.option("mode")) {
    const auto value = number(*text, 8);
    if (!value || *value > 0777) endpoint.refuse("mode= is an octal number up to 777");
    options.mode = static_cast<unsigned>(*value);
  }
  if (const std::string* const text = endpoint.option("share_port")) {
    if (*text != "yes" && *text != "no") endpoint.refuse("share_port= is yes or no");
    options.share_port = *text == "yes";
  }
  return options;
}

void require_tcp_listener(const Endpoint& endpoint) {
  if (endpoint.parts().size() == 1) {
    endpoint.refuse("who listens names a host: tcp:HOST:PORT; '*' is everywhere");
  }
  endpoint.require("tcp:HOST:PORT", 2, 2, {"backlog", "share_port"});
}

void require_unix_listener(const Endpoint& endpoint) {
  endpoint.require("unix:PATH", 1, 1, {"backlog", "mode"});
}

}  // namespace detail

void use_endpoint_kind(Reactor& reactor, std::string name, std::shared_ptr<EndpointKind> kind) {
  reactor.service<detail::Kinds>().set(std::move(name), std::move(kind));
}

}  // namespace deferred::io
