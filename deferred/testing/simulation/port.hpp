// SPDX-License-Identifier: MIT
//
// Port: where a machine listens, and who stands in line there. SimulatedAcceptor: the same as a
// Listener has it.
#pragma once

#include <cstddef>
#include <deque>
#include <string>

#include "deferred/io/acceptor.hpp"
#include "deferred/io/listen_options.hpp"
#include "deferred/testing/simulation/connection.hpp"
#include "deferred/testing/simulation/machine.hpp"
#include "deferred/testing/simulation/party.hpp"

namespace deferred::testing::simulation {

class SimulatedAcceptor;
class World;

class Port final : public Party {
 public:
  Port(Machine& machine, const io::Address& at, const io::ListenOptions& options);

  const io::Address& at() const noexcept { return at_; }
  Machine& machine() const noexcept { return machine_; }
  bool is_shared() const noexcept { return is_shared_; }
  bool is_open() const noexcept { return acceptor_ != nullptr; }
  bool is_full() const noexcept { return line_.size() + coming_ >= most_; }
  bool has_callers() const noexcept { return !line_.empty(); }

  /// One that is about to be put in line; one that will not be, after all.
  void expect() noexcept { ++coming_; }
  void expect_no_more() noexcept { --coming_; }
  /// REQUIRES: it is open.
  void put_in_line(Connection& caller);
  /// The first in line. REQUIRES: has_callers().
  Held<Connection> take_caller();

  void open(SimulatedAcceptor& acceptor) noexcept { acceptor_ = &acceptor; }
  void close() noexcept;
  SimulatedAcceptor* acceptor() const noexcept { return acceptor_; }
  void tell_later();

  void happens(const Happening& happening) override;
  std::string text(const Happening& happening) const override;

 private:
  Held<World> world_;
  Machine& machine_;
  io::Address at_;
  std::size_t most_;
  bool is_shared_;
  SimulatedAcceptor* acceptor_ = nullptr;  // null: it is closed
  std::deque<Held<Connection>> line_;
  std::size_t coming_ = 0;
  bool tells_ = false;  // What::has_callers is to come
};

class SimulatedAcceptor final : public io::Acceptor {
 public:
  SimulatedAcceptor(Reactor& reactor, OpenDescriptor descriptor, Held<Port> port);

  io::TransportPointer try_accept() override;
  io::Address local() const override { return port_->at(); }

  /// If it is waited for.
  void report() noexcept;

 private:
  class CallersWait final : public io::Readiness {
   public:
    CallersWait(Port& port, Reactor& reactor) noexcept : Readiness(reactor), port_(port) {}

   private:
    void arm() override {
      if (port_.has_callers()) port_.tell_later();
    }
    void disarm() noexcept override {}

    Port& port_;
  };

  ~SimulatedAcceptor() override;
  void do_close() noexcept override;

  OpenDescriptor descriptor_;
  Held<Port> port_;
  CallersWait callers_wait_;
};

}  // namespace deferred::testing::simulation
