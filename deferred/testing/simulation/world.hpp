// SPDX-License-Identifier: MIT
//
// World: what a simulation is made of, behind simulation.hpp. It lives as long as a stream of it
// does; after its end nothing happens in it any more.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "deferred/io/address.hpp"
#include "deferred/io/network.hpp"
#include "deferred/testing/faults.hpp"
#include "deferred/testing/random.hpp"
#include "deferred/testing/simulation/events.hpp"
#include "deferred/testing/simulation/links.hpp"
#include "deferred/testing/simulation/party.hpp"

namespace deferred::testing::simulation {

class Connection;
class Machine;

/// Of that what the reactor's tasks use that belong to no machine: they are told so.
class Outside final : public io::Network {
 public:
  Task<io::Stream> connect(io::Address to) override;
  io::Listener listen(const io::Address& at, const io::ListenOptions& options) override;
  io::Datagram bind(const io::Address& at, const io::ListenOptions& options) override;
  Task<std::vector<io::Address>> look_up(std::string host) override;
};

class World final : public Counted {
 public:
  World(Reactor& reactor, std::uint64_t seed);
  ~World() override;

  /// The reactor's look-ups know its machines. REQUIRES: this is held.
  void use_names();

  /// The simulation's: what is left of its streams is closed.
  void end() noexcept;
  /// The reactor's: nothing waits any more.
  void leave_reactor() noexcept { events.end(); }

  /// Made by its first use.
  Machine& machine(std::string_view name);
  /// Null: there is none of that name.
  Machine* find(std::string_view name) const;
  /// In the order in which they were made.
  const std::vector<std::unique_ptr<Machine>>& machines() const noexcept { return machines_; }
  Machine* at(const io::Address& address) const;
  void set_alias(std::string_view name, const std::vector<Machine*>& machines);
  /// Throws std::system_error(names::Errc::not_found).
  std::vector<io::Address> look_up(const std::string& host) const;

  /// It happens, with this probability.
  bool is_fault(double probability) noexcept;
  /// See Faults::would_blocks().
  bool blocks() noexcept { return faults.blocks && of_faults.below(4) == 0; }

  /// Packets get from one to the other.
  bool is_passable(const LinkState& link, const Machine& a, const Machine& b,
                   io::Address::Family family) const noexcept;
  /// When one that leaves now is there: behind what has left before it, and what may be drawn for
  /// the way.
  TimePoint arrival(LinkState& link, const Machine& from, const Machine& to, std::uint32_t bytes);

  std::uint64_t next_id() noexcept { return ++last_id_; }
  void add(Connection& connection) noexcept;
  void remove(Connection& connection) noexcept;
  /// Those that are there now, the oldest first.
  std::vector<Held<Connection>> connections() const;

  Events events;
  Links links;
  Faults faults;
  Random of_network;
  Random of_faults;

 private:
  std::vector<std::unique_ptr<Machine>> machines_;
  std::map<std::string, Machine*, std::less<>> by_name_;
  std::unordered_map<io::Address, Machine*> by_address_;
  std::map<std::string, std::vector<Machine*>, std::less<>> aliases_;
  std::uint64_t last_id_ = 0;
  Connection* oldest_ = nullptr;
  Connection* newest_ = nullptr;
  Outside outside_;
};

}  // namespace deferred::testing::simulation
