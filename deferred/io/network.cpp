// SPDX-License-Identifier: MIT
#include "deferred/io/network.hpp"

#include <stdexcept>
#include <string>
#include <system_error>

#include "deferred/io/detail/operations.hpp"
#include "deferred/io/detail/system_network.hpp"
#include "deferred/io/errors.hpp"
#include "deferred/reactor/reactor.hpp"

namespace deferred::io {
namespace {

const TaskLocal<Network*> of_task(nullptr);

// Which network a reactor's tasks use.
class OfReactor {
 public:
  explicit OfReactor(Reactor& reactor) : system(reactor) {}

  detail::SystemNetwork system;
  Network* chosen = nullptr;  // null: the system's
};

// Says more than its code does.
class NoDatagrams final : public std::system_error {
 public:
  explicit NoDatagrams(const std::string& what)
      : std::system_error(Errc::not_supported, what), what_(what) {}
  const char* what() const noexcept override { return what_.what(); }

 private:
  std::runtime_error what_;  // a string that is copied without throwing
};

}  // namespace

Datagram Network::bind(const Address& at, const ListenOptions&) {
  throw NoDatagrams(detail::binding + at.text() + ": this network has no datagrams");
}

Network& current_network() {
  if (Network* const network = of_task.get()) return *network;
  return current_network(Reactor::current());
}

Network& current_network(Reactor& reactor) {
  // That of a task is of the reactor which runs it.
  Network* const network = of_task.get();
  if (network && &Reactor::current() == &reactor) return *network;
  OfReactor& of = reactor.service<OfReactor>();
  return of.chosen ? *of.chosen : of.system;
}

RestoreTaskLocal use_network(Network& network) { return of_task.set(&network); }

void use_network(Reactor& reactor, Network* network) {
  reactor.service<OfReactor>().chosen = network;
}

}  // namespace deferred::io
