// SPDX-License-Identifier: MIT
//
// Events: what is about to happen in a simulation, in its order, on one timer of the reactor; and
// what has happened, as a hash and a trace. Knows nothing of networks. Next: world.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string_view>
#include <vector>

#include "deferred/reactor/delayed_call.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/testing/simulation/party.hpp"

namespace deferred::testing::simulation {

class Events {
 public:
  explicit Events(Reactor& reactor) noexcept : reactor_(&reactor) {}
  Events(const Events&) = delete;
  Events& operator=(const Events&) = delete;

  /// What happens at the same time happens in the order in which it was posted, never inside the
  /// call that posts it. Nothing does after end().
  void post(TimePoint at, Party& party, const Happening& happening);
  /// For good: the reactor is left alone from now on, and parties are let go.
  void end() noexcept;

  /// Null after the end.
  Reactor* reactor() const noexcept { return reactor_; }
  TimePoint now() noexcept { return reactor_ ? now_ = reactor_->now() : now_; }

  /// Something that is done to the world, such as a partition: hashed, and traced.
  void note(std::string_view what);
  std::uint64_t hash() const noexcept { return hash_; }
  std::uint64_t count() const noexcept { return count_; }
  /// Null: nobody.
  void trace_to(std::ostream* out) noexcept { out_ = out; }

 private:
  // The heap moves keys; what they stand for stays where it is.
  struct Key {
    TimePoint at;
    std::uint64_t sequence;
    std::uint32_t slot;

    bool operator<(const Key& other) const noexcept {  // the earliest is the greatest
      return at != other.at ? at > other.at : sequence > other.sequence;
    }
  };
  struct Event {
    Held<Party> party;
    Happening happening;
  };
  void arm();
  void wake_up();
  void let_happen();
  Event take_first() noexcept;
  void mix(std::uint64_t word) noexcept {
    hash_ = (hash_ ^ word) * 0x9e3779b97f4a7c15;
    hash_ ^= hash_ >> 29;
  }
  void write(const Event& event);

  Reactor* reactor_;
  std::vector<Key> heap_;
  std::vector<Event> slots_;
  std::vector<std::uint32_t> free_;  // with room for all slots
  DelayedCall timer_;
  TimePoint armed_ = TimePoint::max();  // max: the timer is not set
  TimePoint now_{};
  bool happening_ = false;
  std::uint64_t sequence_ = 0;
  std::uint64_t count_ = 0;
  std::uint64_t hash_ = 0;
  std::ostream* out_ = nullptr;
};

}  // namespace deferred::testing::simulation
