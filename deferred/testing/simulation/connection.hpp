// SPDX-License-Identifier: MIT
//
// Connection: TCP, as programs see it, and a Unix socket: bytes in order and in time, a window, an
// end, a reset, and what comes of packets that do not get through. Both of its ends in one: it
// outlives the streams as the kernel's part of a socket does. Next: transport.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "deferred/io/address.hpp"
#include "deferred/io/transport.hpp"
#include "deferred/testing/simulation/links.hpp"
#include "deferred/testing/simulation/party.hpp"

namespace deferred::testing::simulation {

class Machine;
class Port;
class SimulatedTransport;
class World;

struct End {
  enum class State : std::uint8_t {
    none,     // the other one's call has not come yet
    opening,  // it waits for the other one's answer
    open,
    closed,  // by its program, in good order: what it has sent is still to be delivered
    gone,    // nobody here knows of it any more
  };

  Machine* machine = nullptr;
  std::uint16_t port = 0;
  State state = State::none;
  SimulatedTransport* transport = nullptr;  // null: none yet, or it is closed

  // What it receives. Bytes stand in the inbox from when they are sent.
  bool ended = false;  // no more will arrive
  std::string inbox;
  std::size_t consumed = 0;     // of the inbox, by the program
  std::size_t arrived = 0;      // of the inbox
  std::uint32_t owed = 0;       // was consumed, and the other side does not know
  bool tells_readable = false;  // What::is_readable is to come

  // What it sends.
  bool greets = false;          // its first packet, which is no call, has not arrived
  bool shut = false;            // it has said that no more comes,
  bool end_arrived = false;     // and the other side has heard
  std::uint32_t credit = 0;     // so much it may send
  std::uint32_t unarrived = 0;  // of what it has sent
  static constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t until_reset = never;  // so many bytes more
  TimePoint last_arrival{};           // of what it has sent in order
  bool tells_writable = false;        // What::is_writable is to come

  // What does not get through. From the first lost packet on all has to be sent again, so that
  // packets of an earlier round count as lost too.
  bool lost = false;
  bool tries_again = false;  // Happening::send_again, or call_again, is to come
  std::uint8_t tries = 0;
  std::uint16_t round = 0;
  std::uint32_t lost_credit = 0;
  TimePoint called_at{};  // the last time

  // Those of its program's next calls; law 3 of Transport.
  std::errc read_error{};
  std::errc write_error{};
};

class Connection final : public Party {
 public:
  /// The side that connects; the one that listens.
  static constexpr unsigned client = 0, server = 1;
  static constexpr std::uint32_t window = 64 * 1024;
  static constexpr std::uint32_t most_in_a_segment = 16 * 1024;

  Connection(World& world, Machine& from, Machine& to, const io::Address& at);
  ~Connection() override;

  // For the client's program.

  void call();
  bool is_opening() const noexcept { return ends_[client].state == End::State::opening; }
  /// Why it did not come about, or nothing.
  std::errc connect_error() const noexcept { return ends_[client].write_error; }

  // For a transport, which is one side's.

  void attach(unsigned side, SimulatedTransport& transport) noexcept;
  std::optional<std::size_t> read(unsigned side, std::span<char> into);
  std::optional<std::size_t> write(unsigned side, std::string_view data);
  void shut(unsigned side);
  void close(unsigned side, io::Ending how) noexcept;
  bool has_unread(unsigned side) const noexcept;
  bool is_readable(unsigned side) const noexcept;
  bool is_writable(unsigned side) const noexcept;
  /// Tells the transport in a later turn, if it waits then.
  void tell_later(unsigned side, What what);
  io::Address address(unsigned side) const;
  /// Of the other side, for messages.
  std::string peer(unsigned side) const;

  // For others.

  Machine& machine(unsigned side) const noexcept { return *ends_[side].machine; }
  SimulatedTransport* transport(unsigned side) const noexcept { return ends_[side].transport; }
  /// The port, which has not given it to its program yet, has closed.
  void refuse() noexcept;
  /// The machine is gone, without a word.
  void vanish(unsigned side) noexcept;
  /// See Simulation::reset_after().
  void reset_after(unsigned side, std::uint64_t bytes);

  void happens(const Happening& happening) override;
  std::string text(const Happening& happening) const override;

  Connection* older = nullptr;  // World's list
  Connection* newer = nullptr;

 private:
  std::size_t short_of(std::size_t size);

  // packets.cpp
  World& world() const noexcept { return *world_; }
  TimePoint now() const noexcept;
  bool is_passable() const noexcept;
  TimePoint arrival(unsigned from, std::uint32_t bytes);
  void post(TimePoint at, unsigned side, What what);
  void send(unsigned from, What what, std::uint32_t bytes = 0);
  void send_credit(unsigned from);
  void send_reset(unsigned from, bool in_order);
  void lose(unsigned from);
  void send_again_later(unsigned from);
  void call_again_later();
  void break_off(unsigned side, bool in_order);
  bool end(unsigned side, std::errc error);
  void fail(unsigned side, std::errc error);
  void give_up(unsigned side);
  void report(unsigned side, What what);
  void leave_port() noexcept;

  void call_arrives();
  void answer_arrives();
  void in_order_arrives(unsigned side, const Happening& happening);
  void opens();
  void credit_arrives(unsigned side, std::uint32_t credit);
  void reset_arrives(unsigned side);
  void sends_again(unsigned side);
  void calls_again();

  Held<World> world_;
  LinkState& link_;
  std::array<End, 2> ends_;
  Held<Port> port_;  // where the server's end stands in line, or would
  io::Address::Family family_;
  bool loopback_;
  std::string path_;  // of a Unix socket
};

}  // namespace deferred::testing::simulation
