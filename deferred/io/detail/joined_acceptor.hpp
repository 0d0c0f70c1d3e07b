// SPDX-License-Identifier: MIT
//
// JoinedAcceptor: the connections of several listeners, as those of one.
#pragma once

#include <cstddef>
#include <deque>
#include <vector>

#include "deferred/io/listener.hpp"

namespace deferred::io::detail {

/// That one of some listeners is ready.
class AnyOf final : public Readiness {
 public:
  /// REQUIRES: they outlive it.
  explicit AnyOf(const std::vector<Listener>& listeners);

 private:
  class Side final : public Observer {
   public:
    Side(AnyOf& any_of, Readiness& readiness) noexcept : any_of_(any_of), readiness_(readiness) {}
    void begin();
    using Observer::leave;

   private:
    bool on_ready() noexcept override;
    void on_end(Failure) noexcept override { any_of_.report(); }

    AnyOf& any_of_;
    Readiness& readiness_;
  };
  void arm() override;
  void disarm() noexcept override;

  std::deque<Side> sides_;
};

/// Each is asked first in its turn.
class JoinedAcceptor final : public Acceptor {
 public:
  /// REQUIRES: at least one, all open.
  explicit JoinedAcceptor(std::vector<Listener> listeners);

  TransportPointer try_accept() override;
  Address local() const override { return listeners_.front().acceptor().local(); }
  int descriptor() const noexcept override { return listeners_.front().acceptor().descriptor(); }

 private:
  void do_close() noexcept override;

  std::vector<Listener> listeners_;  // closed, not dropped, by do_close(): they know their address
  AnyOf any_of_;
  std::size_t next_ = 0;
};

}  // namespace deferred::io::detail
