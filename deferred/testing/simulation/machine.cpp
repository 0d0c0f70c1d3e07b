// SPDX-License-Identifier: MIT
#include "deferred/testing/simulation/machine.hpp"

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <utility>

#include "deferred/io/address.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/reactor/task_ref.hpp"
#include "deferred/testing/simulation/connection.hpp"
#include "deferred/testing/simulation/port.hpp"
#include "deferred/testing/simulation/transport.hpp"
#include "deferred/testing/simulation/world.hpp"
#include "deferred/yieldables/cancel_point.hpp"

namespace deferred::testing::simulation {
namespace {

using Family = io::Address::Family;

constexpr std::uint16_t first_free_port = 49'152;

// Of all that was spawned on it, and of what that has spawned.
const TaskLocal<const Machine*> machine_of_task(nullptr);

// 10.0.0.1 and fd00::1 are the first machine's.
io::Address numbered(Family family, std::size_t number) {
  char text[40];
  const std::size_t n = number + 1;
  if (family == Family::ipv6) {
    std::snprintf(text, sizeof text, "fd00::%zx:%zx", n >> 16 & 0xffff, n & 0xffff);
  } else {
    std::snprintf(text, sizeof text, "10.%zu.%zu.%zu", n >> 16 & 0xff, n >> 8 & 0xff, n & 0xff);
  }
  return io::Address::ip(text, 0).value();
}

// A port at `open` is in the way of one at `wanted`.
bool overlaps(const io::Address& open, const io::Address& wanted) {
  if (open.port() != wanted.port()) return false;
  if (open == wanted) return true;
  const auto is_everywhere = [](const io::Address& at, const io::Address& other) {
    return at.is_any() && (at.family() == Family::ipv6 || other.family() == Family::ipv4);
  };
  return is_everywhere(open, wanted) || is_everywhere(wanted, open);
}

// Of a path that nobody has opened, or of an abstract name.
std::errc nobody_at(const io::Address& at) {
  return at.host().starts_with('@') ? std::errc::connection_refused
                                    : std::errc::no_such_file_or_directory;
}

}  // namespace

void fail(std::errc error, const std::string& what) {
  throw std::system_error(std::make_error_code(error), what);
}

OpenDescriptor::OpenDescriptor(Machine& machine, const std::string& what) : machine_(&machine) {
  if (machine.open_ >= machine.most_open_) fail(std::errc::too_many_files_open, what);
  ++machine.open_;
}

Machine::Machine(World& world, std::string name, std::size_t number)
    : node(*this), world_(world), name_(std::move(name)), number_(number) {}

Machine::~Machine() = default;

io::Address Machine::address(Family family) const { return numbered(family, number_); }

io::Address Machine::loopback(Family family) const {
  return io::Address::ip(family == Family::ipv6 ? "::1" : "127.0.0.1", 0).value();
}

bool Machine::is_own(const io::Address& host) const {
  return host.is_loopback() || host.with_port(0) == address(host.family());
}

void Machine::require_running(const std::string& what) const {
  if (state_ != State::runs || !world_.events.reactor()) fail(std::errc::network_down, what);
}

Task<io::Stream> Machine::connect(io::Address to) {
  co_await cancel_point;
  const std::string what = "connect to " + to.text();
  require_running(what);
  Machine* const other = to.is_loopback() ? this : world_.at(to);
  if (!other) fail(std::errc::host_unreachable, what);
  if (to.family() == Family::unix_domain && !port_at(to)) fail(nobody_at(to), what);
  OpenDescriptor descriptor(*this, what);
  const Held<Connection> connection(new Connection(world_, *this, *other, to));
  auto transport = io::TransportPointer::make<SimulatedTransport>(
      *world_.events.reactor(), std::move(descriptor), connection, Connection::client);
  io::Stream stream(transport);  // closes it, whatever comes
  connection->call();
  while (connection->is_opening()) co_await transport->writable().wait();
  if (connection->connect_error() != std::errc()) fail(connection->connect_error(), what);
  co_return stream;
}

io::Listener Machine::listen(const io::Address& at, const io::ListenOptions& options) {
  const std::string what = "listen on " + at.text();
  require_running(what);
  io::Address wanted = at;
  if (at.family() != Family::unix_domain) {
    if (!at.is_any() && !is_own(at)) fail(std::errc::address_not_available, what);
    if (at.port() == 0) wanted = at.with_port(next_free_port());
  }
  for (const Port* const port : ports_) {
    const bool shares = port->is_shared() && options.share_port;
    if (overlaps(port->at(), wanted) && !shares) fail(std::errc::address_in_use, what);
  }
  OpenDescriptor descriptor(*this, what);
  const Held<Port> port(new Port(*this, wanted, options));
  ports_.reserve(ports_.size() + 1);
  auto acceptor = io::AcceptorPointer::make<SimulatedAcceptor>(*world_.events.reactor(),
                                                               std::move(descriptor), port);
  ports_.push_back(port.get());
  return io::Listener(std::move(acceptor));
}

Task<std::vector<io::Address>> Machine::look_up(std::string host) {
  co_await cancel_point;
  co_return world_.look_up(host);
}

// One of its own is before one that is everywhere; of several that share it, any.
Port* Machine::port_at(const io::Address& address) {
  if (state_ != State::runs) return nullptr;
  std::vector<Port*> found;
  for (const bool exactly : {true, false}) {
    for (Port* const port : ports_) {
      const bool fits = exactly ? port->at() == address : overlaps(port->at(), address);
      if (fits) found.push_back(port);
    }
    if (!found.empty()) break;
  }
  if (found.size() < 2) return found.empty() ? nullptr : found.front();
  return found[static_cast<std::size_t>(world_.of_network.below(found.size()))];
}

void Machine::remove(const Port& port) noexcept { std::erase(ports_, &port); }

std::uint16_t Machine::next_free_port() {
  for (int tries = 0; tries < 0x10000 - first_free_port; ++tries) {
    last_port_ = std::max(static_cast<std::uint16_t>(last_port_ + 1), first_free_port);
    const std::uint16_t next = last_port_;
    const auto is_taken = [next](const Port* port) { return port->at().port() == next; };
    if (std::none_of(ports_.begin(), ports_.end(), is_taken)) break;
  }
  return last_port_;
}

void Machine::stop(State state, io::Ending how) {
  state_ = state;
  const std::vector<Held<Connection>> all = world_.connections();
  for (const Held<Connection>& connection : all) {
    for (const unsigned side : {Connection::client, Connection::server}) {
      if (&connection->machine(side) != this) continue;
      if (state == State::is_gone) connection->vanish(side);
      if (SimulatedTransport* const transport = connection->transport(side)) transport->close(how);
    }
  }
  for (Port* const port : std::vector<Port*>(ports_)) port->acceptor()->close();
}

RestoreTaskLocal Machine::set_as_current() { return machine_of_task.set(this); }

// What their destructors spawn is closed too.
void Machine::close_tasks() {
  Reactor* const reactor = world_.events.reactor();
  bool found = reactor != nullptr;
  while (found) {
    found = false;
    for (TaskRef& task : reactor->task_refs()) {
      if (task.done() || machine_of_task.of(task) != this) continue;
      found = found || task != TaskRef::running();
      task.close();
    }
  }
}

}  // namespace deferred::testing::simulation
