// SPDX-License-Identifier: MIT
#include "deferred/testing/simulation/world.hpp"

#include <algorithm>
#include <stdexcept>
#include <system_error>

#include "deferred/io/names.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/testing/simulation/connection.hpp"
#include "deferred/testing/simulation/machine.hpp"
#include "deferred/yieldables/cancel_point.hpp"

namespace deferred::testing::simulation {
namespace {

/// Hears of a reactor's end.
class WorldsOfReactor {
 public:
  explicit WorldsOfReactor(Reactor&) noexcept {}
  WorldsOfReactor(const WorldsOfReactor&) = delete;
  WorldsOfReactor& operator=(const WorldsOfReactor&) = delete;
  ~WorldsOfReactor() {
    for (World* const world : worlds) world->leave_reactor();
  }

  std::vector<World*> worlds;
};

/// What io::names::look_up() asks.
class WorldNames final : public io::NameSource {
 public:
  explicit WorldNames(World& world) noexcept : world_(&world) {}
  Task<std::vector<io::Address>> look_up(std::string host) override {
    co_await cancel_point;
    co_return world_->look_up(host);
  }

 private:
  Held<World> world_;
};

[[noreturn]] void refuse(const std::string& what) {
  throw std::logic_error("simulation: " + what +
                         " in a task of no node: start it with Node::spawn()");
}

}  // namespace

Task<io::Stream> Outside::connect(io::Address to) {
  co_await cancel_point;
  refuse("connect to " + to.text());
}
io::Listener Outside::listen(const io::Address& at, const io::ListenOptions&) {
  refuse("listen on " + at.text());
}
io::Datagram Outside::bind(const io::Address& at, const io::ListenOptions&) {
  refuse("bind to " + at.text());
}
Task<std::vector<io::Address>> Outside::look_up(std::string host) {
  co_await cancel_point;
  refuse("look up " + host);
}

World::World(Reactor& reactor, std::uint64_t seed)
    : events(reactor), of_network(seed, "network"), of_faults(seed, "faults") {
  reactor.service<WorldsOfReactor>().worlds.push_back(this);
  io::use_network(reactor, &outside_);
}

World::~World() = default;

void World::use_names() { io::names::use(*events.reactor(), std::make_shared<WorldNames>(*this)); }

void World::end() noexcept {
  for (const auto& machine : machines_) machine->stop(Machine::State::is_gone, io::Ending::reset);
  if (Reactor* const reactor = events.reactor()) {
    std::erase(reactor->service<WorldsOfReactor>().worlds, this);
    io::use_network(*reactor, nullptr);
    io::names::use(*reactor, nullptr);
  }
  events.end();
}

Machine& World::machine(std::string_view name) {
  if (Machine* const found = find(name)) return *found;
  machines_.push_back(std::make_unique<Machine>(*this, std::string(name), machines_.size()));
  Machine& made = *machines_.back();
  by_name_.emplace(made.name(), &made);
  by_address_.emplace(made.address(io::Address::Family::ipv4), &made);
  by_address_.emplace(made.address(io::Address::Family::ipv6), &made);
  return made;
}

Machine* World::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

Machine* World::at(const io::Address& address) const {
  const auto found = by_address_.find(address.with_port(0));
  return found == by_address_.end() ? nullptr : found->second;
}

void World::set_alias(std::string_view name, const std::vector<Machine*>& machines) {
  aliases_.insert_or_assign(std::string(name), machines);
}

std::vector<io::Address> World::look_up(const std::string& host) const {
  std::vector<io::Address> addresses;
  const auto add = [&addresses](const Machine& machine) {
    addresses.push_back(machine.address(io::Address::Family::ipv6));
    addresses.push_back(machine.address(io::Address::Family::ipv4));
  };
  const auto alias = aliases_.find(host);
  if (alias != aliases_.end()) {
    for (const Machine* const machine : alias->second) add(*machine);
  } else if (const Machine* const machine = find(host)) {
    add(*machine);
  }
  if (addresses.empty()) {
    throw std::system_error(io::names::Errc::not_found, "look up '" + host + "'");
  }
  return addresses;
}

bool World::is_fault(double probability) noexcept {
  constexpr double all = 9'007'199'254'740'992.0;  // 2^53: as exact as a double
  return static_cast<double>(of_faults() >> 11) < probability * all;
}

bool World::is_passable(const LinkState& link, const Machine& a, const Machine& b,
                        io::Address::Family family) const noexcept {
  const bool is_cut = family == io::Address::Family::ipv6 ? link.is_cut[1] : link.is_cut[0];
  const auto is_gone = [](const Machine& machine) {
    return machine.state() == Machine::State::is_gone;
  };
  return !is_cut && !is_gone(a) && !is_gone(b);
}

TimePoint World::arrival(LinkState& link, const Machine& from, const Machine& to,
                         std::uint32_t bytes) {
  TimePoint leaves = events.now();
  if (const std::uint64_t rate = links.bytes_per_second(link)) {
    TimePoint& free_at = link.free_at[from.number() > to.number() ? 1 : 0];
    const auto takes = static_cast<std::int64_t>(bytes * std::uint64_t{1'000'000'000} / rate);
    leaves = free_at = std::max(free_at, leaves) + Duration(takes);
  }
  const LinkState::Latency latency = links.latency(link);
  const Duration varies = latency.most - latency.least;
  Duration way = latency.least;
  if (varies > Duration::zero()) {
    const auto most = static_cast<std::uint64_t>(varies.count());
    way += Duration(static_cast<std::int64_t>(of_network.below(most + 1)));
  }
  return leaves + way;
}

void World::add(Connection& connection) noexcept {
  connection.older = newest_;
  (newest_ ? newest_->newer : oldest_) = &connection;
  newest_ = &connection;
}

void World::remove(Connection& connection) noexcept {
  (connection.older ? connection.older->newer : oldest_) = connection.newer;
  (connection.newer ? connection.newer->older : newest_) = connection.older;
}

std::vector<Held<Connection>> World::connections() const {
  std::vector<Held<Connection>> all;
  for (Connection* at = oldest_; at; at = at->newer) all.emplace_back(at);
  return all;
}

}  // namespace deferred::testing::simulation
