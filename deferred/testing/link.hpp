// SPDX-License-Identifier: MIT
//
// Link: what lies between two nodes of a Simulation. Next: simulation.hpp.
#pragma once

#include "deferred/memory/api.hpp"
#include "deferred/results/any_duration.hpp"

namespace deferred::testing {

namespace simulation {
struct LinkState;
}

/// `sim.link("a", "b").latency(1ms, 5ms).bandwidth(1e6)`. What is set holds for packets that are
/// sent from then on, in both directions. REQUIRES: its simulation lives.
class DEFERRED_API Link {
 public:
  /// For Simulation::link().
  explicit Link(simulation::LinkState& state) noexcept : state_(&state) {}

  /// A packet takes any time between these, each as likely as the others; what belongs to one
  /// connection stays in order all the same. Unset: 1 ms to 5 ms; from a node to itself, 10 us to
  /// 50 us.
  Link& latency(AnyDuration least, AnyDuration most);
  Link& latency(AnyDuration exactly) { return latency(exactly, exactly); }
  /// So many bytes a second go through in each direction, the later ones behind the earlier, of
  /// whichever connection they are. Unset, or 0: any number.
  Link& bandwidth(double bytes_per_second);
  /// A datagram is lost, and one that is not comes twice, with these probabilities. Unset: none.
  /// They overtake each other wherever they take different times.
  Link& datagrams(double lost, double doubled = 0);

 private:
  simulation::LinkState* state_;
};

}  // namespace deferred::testing
