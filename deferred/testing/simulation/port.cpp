// SPDX-License-Identifier: MIT
#include "deferred/testing/simulation/port.hpp"

#include <algorithm>
#include <utility>

#include "deferred/testing/simulation/machine.hpp"
#include "deferred/testing/simulation/transport.hpp"
#include "deferred/testing/simulation/world.hpp"

namespace deferred::testing::simulation {

Port::Port(Machine& machine, const io::Address& at, const io::ListenOptions& options)
    : Party(machine.world().next_id()),
      world_(&machine.world()),
      machine_(machine),
      at_(at),
      most_(static_cast<std::size_t>(std::max(options.backlog, 1))),
      is_shared_(options.share_port) {}

void Port::put_in_line(Connection& caller) {
  line_.emplace_back(&caller);
  if (acceptor_) acceptor_->report();
}

Held<Connection> Port::take_caller() {
  Held<Connection> caller = std::move(line_.front());
  line_.pop_front();
  return caller;
}

// Those that are on their way find it closed.
void Port::close() noexcept {
  machine_.remove(*this);
  acceptor_ = nullptr;
  for (const Held<Connection>& caller : std::exchange(line_, {})) caller->refuse();
}

void Port::tell_later() {
  if (std::exchange(tells_, true)) return;
  world_->events.post(world_->events.now(), *this, {.what = What::has_callers});
}

void Port::happens(const Happening&) {
  tells_ = false;
  if (acceptor_) acceptor_->report();
}

std::string Port::text(const Happening& happening) const {
  return machine_.name() + " " + at_.text() + " #" + std::to_string(id()) + " " +
         name_of(happening.what);
}

SimulatedAcceptor::SimulatedAcceptor(Reactor& reactor, OpenDescriptor descriptor, Held<Port> port)
    : Acceptor(reactor, callers_wait_),
      descriptor_(std::move(descriptor)),
      port_(std::move(port)),
      callers_wait_(*port_, reactor) {
  port_->open(*this);
}

SimulatedAcceptor::~SimulatedAcceptor() {
  if (is_open()) port_->close();
}

io::TransportPointer SimulatedAcceptor::try_accept() {
  if (!port_->has_callers()) return {};
  OpenDescriptor descriptor(port_->machine(), "accept on " + port_->at().text());
  return io::TransportPointer::make<SimulatedTransport>(reactor(), std::move(descriptor),
                                                        port_->take_caller(), Connection::server);
}

void SimulatedAcceptor::report() noexcept {
  if (callers_wait_.waited_for()) callers_wait_.report();
}

void SimulatedAcceptor::do_close() noexcept {
  port_->close();
  descriptor_.close();
}

}  // namespace deferred::testing::simulation
