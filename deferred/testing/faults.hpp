// SPDX-License-Identifier: MIT
//
// Faults: what the streams of a Simulation do to a program that it may not like. Next:
// simulation.hpp.
#pragma once

namespace deferred::testing {

/// `sim.faults(Faults().short_reads().resets(0.001))`. All of it happens on real machines too; how
/// often is drawn from the seed.
class Faults {
 public:
  /// A read gives a part of what is there: at times one byte, at times all.
  Faults& short_reads(bool on = true) noexcept { return reads_short = on, *this; }
  /// A write takes a part of what it could.
  Faults& short_writes(bool on = true) noexcept { return writes_short = on, *this; }
  /// One of four reads and writes, also of datagrams, has to wait a turn, though it could have been
  /// done.
  Faults& would_blocks(bool on = true) noexcept { return blocks = on, *this; }
  /// Behind each write the connection breaks with this probability: both sides get
  /// ECONNRESET, the other one behind what was written.
  Faults& resets(double probability) noexcept { return breaks = probability, *this; }

  bool reads_short = false;
  bool writes_short = false;
  bool blocks = false;
  double breaks = 0;
};

}  // namespace deferred::testing
