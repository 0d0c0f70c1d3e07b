// SPDX-License-Identifier: MIT
#include "deferred/testing/node.hpp"

#include <stdexcept>

#include "deferred/io/network.hpp"
#include "deferred/testing/simulation/machine.hpp"
#include "deferred/testing/simulation/world.hpp"

namespace deferred::testing {

using simulation::Machine;

const std::string& Node::name() const noexcept { return machine_.name(); }
io::Address Node::ipv4() const { return machine_.address(io::Address::Family::ipv4); }
io::Address Node::ipv6() const { return machine_.address(io::Address::Family::ipv6); }

Node::Inside::Inside(Node& node)
    : network_(io::use_network(node.machine_)), node_(node.machine_.set_as_current()) {
  if (!node.runs()) {
    throw std::logic_error("simulation: node '" + node.name() + "' does not run: restart() it");
  }
}

Reactor& Node::reactor() const {
  Reactor* const reactor = machine_.world().events.reactor();
  if (!reactor) throw std::logic_error("simulation: its reactor is gone");
  return *reactor;
}

void Node::limit_descriptors(std::size_t most) noexcept { machine_.limit_descriptors(most); }
void Node::limit_descriptors() noexcept { machine_.limit_descriptors(SIZE_MAX); }
std::size_t Node::open_descriptors() const noexcept { return machine_.open_descriptors(); }

void Node::kill(io::Ending how) {
  if (!runs()) return;
  machine_.world().events.note("kill " + name());
  machine_.stop(Machine::State::is_dead, how);
  machine_.close_tasks();
}

void Node::vanish() {
  if (machine_.state() == Machine::State::is_gone) return;
  machine_.world().events.note("vanish " + name());
  machine_.stop(Machine::State::is_gone, io::Ending::reset);
  machine_.close_tasks();
}

void Node::restart() {
  kill();
  machine_.world().events.note("restart " + name());
  machine_.start();
}

bool Node::runs() const noexcept { return machine_.state() == Machine::State::runs; }

}  // namespace deferred::testing
