// SPDX-License-Identifier: MIT
//
// ChainsProgram: a random program of Deferreds, as something to be read: by the library
// (chains_in_library.cpp), by a model of it (chains_in_model.cpp), and by people. It has a few
// places with a number, in which a Promise, a Deferred and a SharedDeferred may lie. A step that
// finds the place empty does nothing; what is made takes the place of what lies there.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

namespace deferred::model {

constexpr unsigned places = 6;
constexpr unsigned most_steps = 200;  // that are done, of a program of about 40

/// What a callback, or a canceller, does at its end.
enum class End : std::uint8_t {
  value,    // returns n more than it was given
  pass,     // gives back what it was given
  error,    // throws error n
  waits,    // returns the Deferred that lies at `other`
  nothing,  // the rest is for cancellers: it fires nothing,
  fires,    // a value,
  fails,    // an error,
  follows,  // or says that an answer follows
};

/// Which side of a result a callback takes.
enum class Side : std::uint8_t { value, error, odd_error, cancelled, both, either };

struct Step {
  enum class Does : std::uint8_t {
    make,     // a Promise and a Deferred; with a canceller if `has_callable`
    succeed,  // a Deferred that has n already
    fail,     // or has failed with n
    fire,     // the Promise, with n
    errback,  // or with error n
    add,      // a callback to the Deferred
    chain,    // the Deferred to the Promise at `other`
    pause,
    unpause,
    pause_by_promise,
    unpause_by_promise,
    cancel,
    abandon,
    drop_promise,
    drop_deferred,
    take,  // the result of the Deferred
    look_at_promise,
    look_at_deferred,
    share,  // the Deferred
    read,   // the SharedDeferred by a callback, which gives a Deferred at `other`
    cancel_shared,
    drop_shared,
  };
  Does does = Does::make;
  std::uint32_t id = 0;  // of the step, and of its callable in the log; counts from 1
  unsigned place = 0;
  unsigned other = 0;
  int n = 0;
  bool has_callable = false;
  Side side = Side::value;  // of its callable: which it takes,
  End end = End::value;     // what it gives,
  std::vector<Step> body;   // and what it does before
};

struct ChainsProgram {
  std::vector<Step> steps;
};

/// The program of a seed, without the steps of these ids.
ChainsProgram make_chains(std::uint64_t seed, const std::set<std::uint32_t>& without);
/// The ids of all its steps.
std::vector<std::uint32_t> ids_of(const ChainsProgram& program);

}  // namespace deferred::model
