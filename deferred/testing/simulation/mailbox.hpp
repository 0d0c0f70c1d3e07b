// SPDX-License-Identifier: MIT
//
// Mailbox: where a machine receives datagrams, and from where it sends them: UDP. Parcel: one that
// is on its way. SimulatedDatagrams: a mailbox as a Datagram has it.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "deferred/io/datagram_transport.hpp"
#include "deferred/io/listen_options.hpp"
#include "deferred/testing/simulation/links.hpp"
#include "deferred/testing/simulation/machine.hpp"
#include "deferred/testing/simulation/party.hpp"

namespace deferred::testing::simulation {

class SimulatedDatagrams;
class World;

class Mailbox final : public Party {
 public:
  /// What nobody takes is kept up to so many bytes: Linux, net.core.rmem_default.
  static constexpr std::size_t most_kept = 212'992;

  Mailbox(Machine& machine, const io::Address& at, const io::ListenOptions& options);

  /// Where it is bound, and once it is connected where its datagrams leave from.
  const io::Address& at() const noexcept { return at_; }
  Machine& machine() const noexcept { return machine_; }
  bool is_shared() const noexcept { return is_shared_; }

  // For the transport, which is its program's.

  void open(SimulatedDatagrams& transport) noexcept { transport_ = &transport; }
  void close() noexcept;
  SimulatedDatagrams* transport() const noexcept { return transport_; }
  /// Only what `peer` sends is taken from now on. Throws std::system_error, `what`.
  void connect(const io::Address& peer, const std::string& what);
  bool is_readable() const noexcept { return !inbox_.empty() || error_ != std::errc(); }
  std::optional<io::Received> receive(std::span<char> into);
  /// Throws std::system_error, `what`.
  void send(std::string_view data, const io::Address& to, const std::string& what);
  /// What an earlier datagram has come to, once.
  std::errc take_error() noexcept;
  /// Tells the transport in a later turn, if it waits then.
  void tell_later(What what);

  // For parcels.

  /// It is connected to nobody, or to this one.
  bool takes_from(const io::Address& sender) const { return !peer_ || *peer_ == sender; }
  bool is_connected() const noexcept { return peer_.has_value(); }
  void put(const io::Address& from, std::string bytes);
  /// Nobody was there.
  void refused();

  void happens(const Happening& happening) override;
  std::string text(const Happening& happening) const override;

 private:
  struct Mail {
    io::Address from;
    std::string bytes;
  };
  /// Where a datagram for `to` leaves from.
  io::Address source_for(const io::Address& to, const std::string& what) const;

  Held<World> world_;
  Machine& machine_;
  io::Address at_;
  bool is_shared_;
  SimulatedDatagrams* transport_ = nullptr;  // null: it is closed
  std::optional<io::Address> peer_;
  std::deque<Mail> inbox_;
  std::size_t kept_ = 0;  // bytes of the inbox
  std::errc error_{};
  bool tells_readable_ = false;  // What::is_readable is to come
  bool tells_writable_ = false;
};

/// A datagram between two machines, and the word back that nobody took it.
class Parcel final : public Party {
 public:
  Parcel(World& world, Machine& sender, Machine& receiver, const io::Address& from,
         const io::Address& to, std::string_view bytes);

  void leave();

  void happens(const Happening& happening) override;
  std::string text(const Happening& happening) const override;

 private:
  bool is_passable() const;
  void arrives();

  Held<World> world_;
  Machine& sender_;
  Machine& receiver_;
  LinkState& link_;
  io::Address from_;
  io::Address to_;
  std::string bytes_;
};

class SimulatedDatagrams final : public io::DatagramTransport {
 public:
  SimulatedDatagrams(Reactor& reactor, OpenDescriptor descriptor, Held<Mailbox> mailbox);

  std::optional<io::Received> try_receive(std::span<char> into) override;
  bool try_send(std::string_view data, const io::Address& to) override;
  io::Address local() const override { return mailbox_->at(); }

  /// If it is waited for.
  void report(What what) noexcept;

 private:
  class Direction final : public io::Readiness {
   public:
    Direction(Mailbox& mailbox, Reactor& reactor, What what) noexcept
        : Readiness(reactor), mailbox_(mailbox), what_(what) {}

   private:
    void arm() override {
      if (what_ == What::is_writable || mailbox_.is_readable()) mailbox_.tell_later(what_);
    }
    void disarm() noexcept override {}

    Mailbox& mailbox_;
    What what_;
  };

  ~SimulatedDatagrams() override;
  io::Address do_connect(const io::Address& to) override;
  void do_close() noexcept override;

  OpenDescriptor descriptor_;
  Held<Mailbox> mailbox_;
  Direction to_receive_;
  Direction to_send_;
};

}  // namespace deferred::testing::simulation
