// SPDX-License-Identifier: MIT
#include "deferred/testing/simulation/transport.hpp"

#include <utility>

namespace deferred::testing::simulation {

SimulatedTransport::SimulatedTransport(Reactor& reactor, OpenDescriptor descriptor,
                                       Held<Connection> connection, unsigned side)
    : Transport(reactor, connection->peer(side), to_read_, to_write_),
      descriptor_(std::move(descriptor)),
      connection_(std::move(connection)),
      side_(side),
      to_read_(*this, reactor, What::is_readable),
      to_write_(*this, reactor, What::is_writable) {
  connection_->attach(side, *this);
}

SimulatedTransport::~SimulatedTransport() {
  if (is_open()) connection_->close(side_, io::Ending::polite);
}

std::optional<std::size_t> SimulatedTransport::try_read(std::span<char> into) {
  const auto got = connection_->read(side_, into);
  drained = got && *got != 0 && !connection_->is_readable(side_);
  return got;
}

std::optional<std::size_t> SimulatedTransport::try_write(std::string_view data) {
  return connection_->write(side_, data);
}

bool SimulatedTransport::try_shutdown_write() {
  connection_->shut(side_);
  return true;
}

std::string SimulatedTransport::local() const { return connection_->address(side_).text(); }

void SimulatedTransport::report(What what) noexcept {
  Direction& direction = what == What::is_readable ? to_read_ : to_write_;
  if (direction.waited_for()) direction.report();
}

void SimulatedTransport::do_close(io::Ending how) noexcept {
  connection_->close(side_, how);
  descriptor_.close();
}

void SimulatedTransport::Direction::arm() {
  Connection& connection = of_.connection();
  const bool is_ready = what_ == What::is_readable ? connection.is_readable(of_.side())
                                                   : connection.is_writable(of_.side());
  if (is_ready) connection.tell_later(of_.side(), what_);
}

}  // namespace deferred::testing::simulation
