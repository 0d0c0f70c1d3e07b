// SPDX-License-Identifier: MIT
//
// explore(): runs a scenario of a few threads in every order in which they can take turns, one
// thread at a time, with at most two preemptions. A thread may change at each access to an Atomic
// or a Mutex, at each system call on a descriptor and at a semaphore (explored_atomics.hpp,
// explore.cpp). A run is told by its choices, a string of digits, and can be replayed by it.
//
// Each access is seen by all threads at once: sequential consistency. What goes wrong only with
// weaker memory orders is not found here; that is ThreadSanitizer's.
#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

namespace deferred::testing {

/// What a scenario is given: one run.
class Interleaving {
 public:
  /// Runs the functions, each as a thread, until all have ended. Once a run.
  void run(std::initializer_list<std::function<void()>> threads);
  /// Ends the exploration with this text if `good` is false; the run itself goes on.
  void check(bool good, const std::string& text);
};

struct Explored {
  std::size_t runs = 0;
  bool complete = true;  // all runs there are were made, or one went wrong
  std::string error;     // what went wrong in the last run; empty: nothing
  std::string choices;   // of that run
};

/// How often a run may take the turn from a thread that could go on: two, unless the environment
/// says otherwise: EXPLORE_PREEMPTIONS=3 takes minutes.
int most_preemptions();

using Scenario = std::function<void(Interleaving&)>;
/// Stops at the first run that goes wrong: a check() failed, all threads wait for each other, a
/// Mutex or Atomic was used after its end, or the scenario leaked one.
Explored explore(const Scenario& scenario);
/// One run, by the choices that explore() has told.
Explored replay(const Scenario& scenario, const std::string& choices);

namespace exploring {

/// This thread is one of a run's.
bool active() noexcept;
/// How many calls that may be system calls - on descriptors and semaphores - were made so far, in
/// runs and outside of them. A semaphore's count as such whether somebody waits or not.
std::size_t system_calls() noexcept;
/// Another thread may go on here. Nothing outside of a run.
void point();
/// Lets others go on until `ready`, which is called in any of the threads. False if nobody can make
/// it so, which ends the exploration.
bool wait_until(const std::function<bool()>& ready, const char* what);
/// Something went wrong.
void error(const std::string& text);
/// An object that threads share begins or ends; using it is an error outside of that.
void begin(const void* object);
void end(const void* object);
/// False, and an error, if it is not there.
bool use(const void* object, const char* what);

}  // namespace exploring
}  // namespace deferred::testing
