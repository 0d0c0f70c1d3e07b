// SPDX-License-Identifier: MIT
#include "deferred/testing/simulation.hpp"

#include <optional>
#include <stdexcept>
#include <utility>

#include "deferred/io/address.hpp"
#include "deferred/results/errors.hpp"
#include "deferred/testing/shuffle_ready_tasks.hpp"
#include "deferred/testing/simulation/connection.hpp"
#include "deferred/testing/simulation/links.hpp"
#include "deferred/testing/simulation/machine.hpp"
#include "deferred/testing/simulation/transport.hpp"
#include "deferred/testing/simulation/world.hpp"

namespace deferred::testing {
namespace {

using io::Address;
using simulation::Held;
using simulation::Machine;
using simulation::SimulatedTransport;
using simulation::World;

constexpr int most_turns_at_a_moment = 100'000;

/// What partition() has been given: a node, or one of its addresses.
struct Place {
  Machine* machine;
  std::optional<Address::Family> family;  // nothing: both

  bool has(Address::Family asked) const { return !family || *family == asked; }
};

Place place_of(World& world, const std::string& name) {
  const std::optional<Address> address = Address::ip(name, 0);
  if (!address) return {&world.machine(name), std::nullopt};
  Machine* const machine = world.at(*address);
  if (!machine) throw std::invalid_argument("simulation: no node has the address " + name);
  return {machine, address->family()};
}

std::string listed(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

}  // namespace

// The world is there before the reactor's end and after it: streams of its tasks close in it.
struct Simulation::Parts {
  Parts() {
    own_time = std::make_unique<reactors::VirtualTime>();
    own_reactor = std::make_unique<Reactor>(*own_time);
    begin(*own_reactor, *own_time);
  }
  Parts(Reactor& given, reactors::VirtualTime& its_time) { begin(given, its_time); }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;
  ~Parts() {
    for (const auto& machine : world->machines()) machine->close_tasks();
    own_reactor.reset();
    if (world->events.reactor()) shuffle_ready_tasks(*reactor, std::nullopt);
    world->end();
  }

  void begin(Reactor& of, reactors::VirtualTime& its_time) {
    reactor = &of;
    time = &its_time;
  }
  void make_world(std::uint64_t seed) {
    shuffle_ready_tasks(*reactor, seed);
    world = Held<World>(new World(*reactor, seed));
    world->use_names();
  }

  std::unique_ptr<reactors::VirtualTime> own_time;
  Held<World> world;
  std::unique_ptr<Reactor> own_reactor;
  Reactor* reactor = nullptr;
  reactors::VirtualTime* time = nullptr;
};

Simulation::Simulation(std::uint64_t seed, std::unique_ptr<Parts> parts)
    : seed_(seed),
      parts_(std::move(parts)),
      time_(*parts_->time),
      reactor_(*parts_->reactor),
      random_(seed, "load") {
  parts_->make_world(seed);
}
Simulation::Simulation(std::uint64_t seed) : Simulation(seed, std::make_unique<Parts>()) {}
Simulation::Simulation(std::uint64_t seed, Reactor& reactor, reactors::VirtualTime& time)
    : Simulation(seed, std::make_unique<Parts>(reactor, time)) {}
Simulation::~Simulation() {
  parts_.reset();
  while (!kept_.empty()) kept_.pop_back();
}

Node& Simulation::node(std::string_view name) { return parts_->world->machine(name).node; }

void Simulation::name(std::string_view host, const std::vector<std::string>& nodes) {
  std::vector<Machine*> machines;
  for (const std::string& node : nodes) machines.push_back(&parts_->world->machine(node));
  parts_->world->set_alias(host, machines);
}

Link Simulation::link(std::string_view a, std::string_view b) {
  World& world = *parts_->world;
  return Link(world.links.between(world.machine(a).number(), world.machine(b).number()));
}
Link Simulation::links() { return Link(parts_->world->links.all()); }

void Simulation::partition(const std::vector<std::string>& these,
                           const std::vector<std::string>& those) {
  World& world = *parts_->world;
  for (const std::string& one : these) {
    for (const std::string& other : those) {
      const Place a = place_of(world, one);
      const Place b = place_of(world, other);
      if (a.machine == b.machine) {
        throw std::invalid_argument("simulation: " + one + " and " + other + " are one node");
      }
      auto& is_cut = world.links.between(a.machine->number(), b.machine->number()).is_cut;
      using Family = Address::Family;
      is_cut[0] = is_cut[0] || (a.has(Family::ipv4) && b.has(Family::ipv4));
      is_cut[1] = is_cut[1] || (a.has(Family::ipv6) && b.has(Family::ipv6));
    }
  }
  world.events.note("partition " + listed(these) + " | " + listed(those));
}

void Simulation::heal() {
  parts_->world->links.heal();
  parts_->world->events.note("heal");
}

void Simulation::faults(const Faults& faults) { parts_->world->faults = faults; }

void Simulation::reset_after(const io::Stream& stream, std::uint64_t bytes) {
  auto* const transport = dynamic_cast<SimulatedTransport*>(&stream.transport());
  if (!transport) throw std::invalid_argument("simulation: this stream is over another network");
  transport->connection().reset_after(transport->side(), bytes);
}

// The limit is a timer, too: so a jump in time stops there.
Simulation::Left Simulation::take_turns(const std::function<bool()>& done, Duration limit) {
  bool is_over = false;
  const DelayedCall end = reactor_.call_later(limit, [&is_over] { is_over = true; });
  TimePoint moment = reactor_.now();
  for (int turns = 0; !done(); ++turns) {
    if (is_over) return Left::time;
    if (!reactor_.busy() && reactor_.timer_count() == 1) return Left::nothing;
    time_.run_once(true);
    if (reactor_.now() != moment) {
      moment = reactor_.now();
      turns = 0;
    }
    if (turns == most_turns_at_a_moment) {
      throw std::logic_error("simulation: " + std::to_string(turns) +
                             " turns at one moment: something goes on and on without a wait\n" +
                             reactor_.dump_tasks());
    }
  }
  return Left::done;
}

bool Simulation::run(AnyDuration limit) {
  const auto never = [] { return false; };
  return take_turns(never, limit) == Left::nothing;
}

void Simulation::run_until_true(const std::function<bool()>& done, AnyDuration limit) {
  const Left left = take_turns(done, limit);
  if (left == Left::done) return;
  const std::string when = to_string(reactor_.now().time_since_epoch());
  const std::string why = left == Left::time
                              ? "it is not done after " + to_string(limit) + ", at " + when
                              : "it is not done at " + when + ", and nothing is left to happen";
  throw StuckError("simulation: " + why + "; tasks:\n" + reactor_.dump_tasks());
}

std::uint64_t Simulation::trace_hash() const noexcept { return parts_->world->events.hash(); }
std::uint64_t Simulation::events() const noexcept { return parts_->world->events.count(); }
void Simulation::trace(std::ostream* out) { parts_->world->events.trace_to(out); }

}  // namespace deferred::testing
