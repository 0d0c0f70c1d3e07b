// SPDX-License-Identifier: MIT
//
// SimulatedTransport: one end of a connection, as a Stream has it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "deferred/io/transport.hpp"
#include "deferred/testing/simulation/connection.hpp"
#include "deferred/testing/simulation/machine.hpp"
#include "deferred/testing/simulation/party.hpp"

namespace deferred::testing::simulation {

class SimulatedTransport final : public io::Transport {
 public:
  SimulatedTransport(Reactor& reactor, OpenDescriptor descriptor, Held<Connection> connection,
                     unsigned side);

  std::optional<std::size_t> try_read(std::span<char> into) override;
  std::optional<std::size_t> try_write(std::string_view data) override;
  bool try_shutdown_write() override;
  std::string local() const override;

  Connection& connection() const noexcept { return *connection_; }
  unsigned side() const noexcept { return side_; }
  /// If it is waited for.
  void report(What what) noexcept;

 private:
  class Direction final : public io::Readiness {
   public:
    Direction(SimulatedTransport& of, Reactor& reactor, What what) noexcept
        : Readiness(reactor), of_(of), what_(what) {}

   private:
    void arm() override;
    void disarm() noexcept override {}

    SimulatedTransport& of_;
    What what_;
  };

  ~SimulatedTransport() override;
  void do_close(io::Ending how) noexcept override;

  OpenDescriptor descriptor_;
  Held<Connection> connection_;
  unsigned side_;
  Direction to_read_;
  Direction to_write_;
};

}  // namespace deferred::testing::simulation
