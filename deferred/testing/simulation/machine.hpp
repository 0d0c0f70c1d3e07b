// SPDX-License-Identifier: MIT
//
// Machine: a node's network: its addresses, ports and descriptors, and whether it is there. Next:
// node.hpp, by which users see it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "deferred/io/network.hpp"
#include "deferred/testing/node.hpp"

namespace deferred::testing::simulation {

class Mailbox;
class Port;
class World;

class Machine final : public io::Network {
 public:
  enum class State : std::uint8_t {
    runs,
    is_dead,  // its program; others are told that nobody is there
    is_gone,  // nobody is told anything
  };

  Machine(World& world, std::string name, std::size_t number);
  ~Machine() override;

  Task<io::Stream> connect(io::Address to) override;
  io::Listener listen(const io::Address& at, const io::ListenOptions& options) override;
  io::Datagram bind(const io::Address& at, const io::ListenOptions& options) override;
  Task<std::vector<io::Address>> look_up(std::string host) override;

  World& world() const noexcept { return world_; }
  const std::string& name() const noexcept { return name_; }
  /// From 0 on, in the order in which they were made.
  std::size_t number() const noexcept { return number_; }
  /// With port 0.
  io::Address address(io::Address::Family family) const;
  io::Address loopback(io::Address::Family family) const;
  State state() const noexcept { return state_; }

  /// Whoever is at this address, or null.
  Port* port_at(const io::Address& address);
  void remove(const Port& port) noexcept;
  /// Who takes a datagram for `address` from this sender, or null.
  Mailbox* mailbox_at(const io::Address& address, const io::Address& sender);
  void remove(const Mailbox& mailbox) noexcept;
  /// Whose this address is, as seen from here. Throws std::errc::host_unreachable.
  Machine& machine_at(const io::Address& address, const std::string& what);
  bool is_own(const io::Address& host) const;
  std::uint16_t next_free_port();

  std::size_t open_descriptors() const noexcept { return open_; }
  void limit_descriptors(std::size_t most) noexcept { most_open_ = most; }

  void stop(State state, io::Ending how);
  void start() noexcept { state_ = State::runs; }
  /// What is spawned meanwhile, and what that spawns, is its own.
  [[nodiscard]] RestoreTaskLocal set_as_current();
  void close_tasks();

  Node node;

 private:
  friend class OpenDescriptor;
  void require_running(const std::string& what) const;
  /// At which address, with which port, something is to be opened.
  io::Address place_for(const io::Address& at, const std::string& what);

  World& world_;
  std::string name_;
  std::size_t number_;
  State state_ = State::runs;
  std::vector<Port*> ports_;  // in the order in which they were opened
  std::vector<Mailbox*> mailboxes_;
  std::uint16_t last_port_ = 0;
  std::size_t open_ = 0;
  std::size_t most_open_ = SIZE_MAX;
};

/// One of a machine's descriptors.
class OpenDescriptor {
 public:
  /// Throws std::errc::too_many_files_open.
  OpenDescriptor(Machine& machine, const std::string& what);
  OpenDescriptor(OpenDescriptor&& other) noexcept
      : machine_(std::exchange(other.machine_, nullptr)) {}
  OpenDescriptor& operator=(OpenDescriptor&&) = delete;
  ~OpenDescriptor() { close(); }
  void close() noexcept {
    if (machine_) --std::exchange(machine_, nullptr)->open_;
  }

 private:
  Machine* machine_;
};

/// An error as the calls of io have it.
[[noreturn]] void fail(std::errc error, const std::string& what);

}  // namespace deferred::testing::simulation
