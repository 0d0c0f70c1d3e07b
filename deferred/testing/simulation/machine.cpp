// SPDX-License-Identifier: MIT
#include "deferred/testing/simulation/machine.hpp"

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <utility>

#include "deferred/io/address.hpp"
#include "deferred/io/errors.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/reactor/task_ref.hpp"
#include "deferred/testing/simulation/connection.hpp"
#include "deferred/testing/simulation/mailbox.hpp"
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

// Of ports, or of mailboxes.
template <class Place>
void require_free(const std::vector<Place*>& places, const io::Address& wanted,
                  const io::ListenOptions& options, const std::string& what) {
  for (const Place* const place : places) {
    const bool shares = place->is_shared() && options.share_port;
    if (overlaps(place->at(), wanted) && !shares) fail(std::errc::address_in_use, what);
  }
}

// As they are now, whatever those whose waits end do then.
template <class Place>
std::vector<Held<Place>> held(const std::vector<Place*>& places) {
  std::vector<Held<Place>> all;
  for (Place* const place : places) all.emplace_back(place);
  return all;
}

template <class Place>
Place* one_of(const std::vector<Place*>& found, Random& random) {
  if (found.size() < 2) return found.empty() ? nullptr : found.front();
  return found[static_cast<std::size_t>(random.below(found.size()))];
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
  const io::Address only_host = host.with_port(0);
  return only_host == loopback(host.family()) || only_host == address(host.family());
}

void Machine::require_running(const std::string& what) const {
  if (state_ != State::runs || !world_.events.reactor()) fail(std::errc::network_down, what);
}

Task<io::Stream> Machine::connect(io::Address to) {
  co_await cancel_point;
  const std::string what = "connect to " + to.text();
  require_running(what);
  if (to.is_any()) to = loopback(to.family()).with_port(to.port());  // as Linux takes it
  Machine& other = machine_at(to, what);
  if (to.family() == Family::unix_domain && !port_at(to)) fail(nobody_at(to), what);
  OpenDescriptor descriptor(*this, what);
  const Held<Connection> connection(new Connection(world_, *this, other, to));
  auto transport = io::TransportPointer::make<SimulatedTransport>(
      *world_.events.reactor(), std::move(descriptor), connection, Connection::client);
  io::Stream stream(transport);  // closes it, whatever comes
  connection->call();
  while (connection->is_opening()) co_await transport->writable().wait();
  if (connection->connect_error() != std::errc()) fail(connection->connect_error(), what);
  co_return stream;
}

Machine& Machine::machine_at(const io::Address& address, const std::string& what) {
  const bool is_here =
      address.family() == Family::unix_domain || (address.is_loopback() && is_own(address));
  Machine* const found = is_here ? this : world_.at(address);
  if (!found) fail(std::errc::host_unreachable, what);
  return *found;
}

io::Address Machine::place_for(const io::Address& at, const std::string& what) {
  if (at.family() == Family::unix_domain) return at;
  if (!at.is_any() && !is_own(at)) fail(std::errc::address_not_available, what);
  return at.port() == 0 ? at.with_port(next_free_port()) : at;
}

io::Listener Machine::listen(const io::Address& at, const io::ListenOptions& options) {
  const std::string what = "listen on " + at.text();
  require_running(what);
  const io::Address wanted = place_for(at, what);
  require_free(ports_, wanted, options, what);
  OpenDescriptor descriptor(*this, what);
  const Held<Port> port(new Port(*this, wanted, options));
  ports_.reserve(ports_.size() + 1);
  auto acceptor = io::AcceptorPointer::make<SimulatedAcceptor>(*world_.events.reactor(),
                                                               std::move(descriptor), port);
  ports_.push_back(port.get());
  return io::Listener(std::move(acceptor));
}

io::Datagram Machine::bind(const io::Address& at, const io::ListenOptions& options) {
  const std::string what = "bind to " + at.text();
  require_running(what);
  if (at.family() == Family::unix_domain || at.family() == Family::unnamed) {
    throw std::system_error(std::make_error_code(std::errc::address_family_not_supported), what);
  }
  const io::Address wanted = place_for(at, what);
  require_free(mailboxes_, wanted, options, what);
  OpenDescriptor descriptor(*this, what);
  const Held<Mailbox> mailbox(new Mailbox(*this, wanted, options));
  mailboxes_.reserve(mailboxes_.size() + 1);
  auto transport = io::DatagramPointer::make<SimulatedDatagrams>(*world_.events.reactor(),
                                                                 std::move(descriptor), mailbox);
  mailboxes_.push_back(mailbox.get());
  return io::Datagram(std::move(transport));
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
  return one_of(found, world_.of_network);
}

// One that is connected to the sender is before all others.
Mailbox* Machine::mailbox_at(const io::Address& address, const io::Address& sender) {
  if (state_ != State::runs) return nullptr;
  std::vector<Mailbox*> found;
  int best = 0;
  for (Mailbox* const mailbox : mailboxes_) {
    if (!overlaps(mailbox->at(), address) || !mailbox->takes_from(sender)) continue;
    const int fits = mailbox->is_connected() ? 3 : mailbox->at() == address ? 2 : 1;
    if (fits > best) found.clear();
    best = std::max(best, fits);
    if (fits == best) found.push_back(mailbox);
  }
  return one_of(found, world_.of_network);
}

void Machine::remove(const Port& port) noexcept { std::erase(ports_, &port); }
void Machine::remove(const Mailbox& mailbox) noexcept { std::erase(mailboxes_, &mailbox); }

std::uint16_t Machine::next_free_port() {
  for (int tries = 0; tries < 0x10000 - first_free_port; ++tries) {
    last_port_ = std::max(static_cast<std::uint16_t>(last_port_ + 1), first_free_port);
    const std::uint16_t next = last_port_;
    const auto is_taken = [next](const auto* place) { return place->at().port() == next; };
    if (std::none_of(ports_.begin(), ports_.end(), is_taken) &&
        std::none_of(mailboxes_.begin(), mailboxes_.end(), is_taken)) {
      break;
    }
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
  for (const Held<Port>& port : held(ports_)) {
    if (port->acceptor()) port->acceptor()->close();
  }
  for (const Held<Mailbox>& mailbox : held(mailboxes_)) {
    if (mailbox->transport()) mailbox->transport()->close();
  }
}

RestoreTaskLocal Machine::set_as_current() { return machine_of_task.set(this); }

// What their destructors spawn is closed too. Who runs now, and who waits for that, is closed when
// it gives control back.
void Machine::close_tasks() {
  Reactor* const reactor = world_.events.reactor();
  bool found = reactor != nullptr;
  while (found) {
    found = false;
    for (TaskRef& task : reactor->task_refs()) {
      if (task.done() || machine_of_task.of(task) != this) continue;
      task.close();
      found = found || task.done();
    }
  }
}

}  // namespace deferred::testing::simulation
