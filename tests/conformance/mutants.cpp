// SPDX-License-Identifier: MIT
// The proof of the conformance kit: reactors with one fault each, and the cases that catch them.
#include <cstdio>
#include <string>
#include <vector>

#include "deferred/testing/reactor_conformance_doctest.hpp"
#include "tests/conformance/mutant_poll.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

struct Mutant {
  Fault fault;
  const char* does;
  const char* caught_by;  // one case that has to fail
};

constexpr Mutant mutants[] = {
    {Fault::loses_wake_while_waiting, "loses a wake-up that comes while it waits",
     "a wake-up ends a wait without a deadline"},
    {Fault::loses_wake_before_waiting, "loses a wake-up that came before it waits",
     "a wake-up before run_once() is not lost"},
    {Fault::clears_flag_before_eventfd, "clears the flag of a wake-up before its eventfd",
     "wake-ups of many threads are never lost, each answered by a turn that follows"},
    {Fault::turns_inside_wake, "takes the turn inside wake(), on the caller's thread",
     "wake() takes no turn itself"},
    {Fault::counts_wakes, "takes a turn for each wake-up",
     "many wake-ups before a wait are answered once, and no turn comes for them later"},
    {Fault::rounds_down, "waits too short, to the millisecond below",
     "waiting for a deadline takes few turns and little processor time"},
    {Fault::rounds_up_to_seconds, "waits to the second above",
     "a timer is late by milliseconds at most"},
    {Fault::keeps_a_withdrawn_deadline, "keeps a deadline that was taken back",
     "a deadline that is taken back is not waited for"},
    {Fault::keeps_the_later_deadline, "does not take an earlier deadline",
     "a deadline is replaced by an earlier one"},
    {Fault::keeps_the_earlier_deadline, "does not take a later deadline",
     "a deadline is replaced by a later one"},
    {Fault::forgets_a_deadline_set_in_a_turn, "forgets a deadline that was armed inside a turn",
     "a deadline that is armed anew inside each turn is met each time"},
    {Fault::subtracts_without_care, "subtracts a deadline at the beginning of time",
     "run_once(true) takes exactly one turn at a deadline that has passed"},
    {Fault::never_sleeps, "never sleeps",
     "waiting for a deadline takes few turns and little processor time"},
    {Fault::clock_in_milliseconds, "has a clock that goes in milliseconds",
     "the clock tells moments below a millisecond apart"},
    {Fault::clock_too_fast, "has a clock that goes too fast: timers come early",
     "a timer is never called early, by the real clock"},
    {Fault::clock_of_the_last_wait, "has a clock that stands still outside of waits",
     "now() goes on outside of turns"},
    {Fault::waits_without_being_asked, "waits in run_once(false)",
     "run_once(false) does not wait for the deadline"},
    {Fault::forgets_the_turn_after_a_report, "takes no turn when it has reported something",
     "readiness ends a wait"},
    {Fault::turns_twice, "takes two turns a run_once()", "run_once(false) takes exactly one turn"},
    {Fault::turns_before_reporting, "takes its turn before it reports",
     "readiness is reported before the turn of the same run_once()"},
    {Fault::throws_when_interrupted, "throws when a signal interrupts it",
     "a signal that interrupts a wait for a distant timer is told"},
    {Fault::reports_once, "reports readiness once, and then when it comes again",
     "a descriptor that stays ready is reported in each run_once()"},
    {Fault::forgets_a_report_when_rewatched, "loses a report to a rewatch()",
     "rewatch() of a descriptor that is ready already loses nothing"},
    {Fault::ignores_rewatch, "ignores rewatch()", "rewatch() adds a direction at once"},
    {Fault::rewatch_only_adds, "takes no direction away in rewatch()",
     "rewatch() takes a direction away at once"},
    {Fault::hides_a_hang_up, "reports nothing for a hang-up",
     "a pipe without its writer is reported to its reader"},
    {Fault::tells_only_writers_of_a_hang_up, "reports a hang-up to writers only",
     "a pipe without its writer is reported to its reader"},
    {Fault::tells_readers_of_room, "reports room to write as data",
     "room to write is reported as such"},
    {Fault::hides_room, "reports no room where there is data",
     "data is reported as data, and room as room"},
    {Fault::reports_one_at_a_time, "reports one descriptor a turn",
     "all that are ready are reported within four run_once(), however many unwatch themselves"},
    {Fault::reports_the_first_ten, "reports at most ten descriptors a turn, from the front",
     "of many descriptors that are always ready none is passed over"},
    {Fault::forgets_high_numbers, "takes a descriptor of a high number and does not watch it",
     "a descriptor of a high number is watched, or refused"},
    {Fault::inherited_by_programs, "lets programs that are executed have its descriptors",
     "its descriptors are closed where a program is executed"},
    {Fault::locks_in_wake, "takes a lock in wake()",
     "wake() in a signal handler interrupts anything, and comes to no harm"},
    {Fault::looks_at_ten_only, "looks at ten descriptors only",
     "each of many descriptors is reported to its own handler"},
    {Fault::reports_what_is_unwatched, "still reports what is unwatched",
     "an unwatched descriptor is not reported"},
    {Fault::reports_the_old_list, "reports what a report before has unwatched",
     "a descriptor that is unwatched by another's report is not reported any more"},
    {Fault::keeps_the_old_place, "loses the place of the one that fills an unwatched one's",
     "unwatching some leaves the others with their handlers"},
    {Fault::goes_forward_through_holes, "skips the one that fills an unwatched one's place",
     "all that are ready are reported within four run_once(), however many unwatch themselves"},
    {Fault::keeps_the_old_handler, "reports to whoever watched that number first",
     "a descriptor's number can be watched again for another file"},
    {Fault::hides_a_lost_descriptor, "says nothing of a descriptor that was closed",
     "a watched descriptor that is closed under the reactor is reported"},
    {Fault::takes_a_closed_descriptor, "watches what is not open",
     "a descriptor that is not open cannot be watched"},
    {Fault::leaks_on_unwatch, "leaks a descriptor in unwatch()",
     "an unwatched descriptor is not reported"},
    {Fault::leaks_its_eventfd, "leaks its eventfd", "a reactor that was never used ends"},
};
static_assert(std::size(mutants) >= 25);

ReactorUnderTest with(Fault fault) {
  ReactorUnderTest tried;
  tried.name = "mutant";
  tried.make = [fault] { return mutant_poll(fault); };
  return tried;
}

/// The names of the cases that fail.
std::vector<std::string> failures(const ReactorUnderTest& tried, const std::string& filter,
                                  std::size_t most) {
  ConformanceOptions options;
  options.isolate = true;
  options.limit = 300ms;  // a hang takes twice that
  options.most_failures = most;
  options.filter = filter;
  options.out = nullptr;
  std::vector<std::string> names;
  for (const auto& [of, result] : run_conformance(tried, options).lines) {
    if (result.verdict == Verdict::failed) names.emplace_back(of->name);
  }
  return names;
}

}  // namespace

TEST_CASE("without a fault the mutants' backend conforms") {
  ReactorUnderTest tried = with(Fault::none);
  tried.name = "mutants-without-a-fault";

  check_conformance(tried);
}

TEST_CASE("every faulty reactor is caught by the case that is meant for it") {
  std::size_t caught = 0;
  for (const Mutant& mutant : mutants) {
    const ReactorUnderTest tried = with(mutant.fault);
    const bool by_name = !failures(tried, std::string(": ") + mutant.caught_by, 1).empty();
    std::string also;
    for (const std::string& name : failures(tried, "", 2)) {
      if (name != mutant.caught_by) also += "\n    " + name;
    }

    caught += by_name;
    std::printf("%s: a reactor that %s\n    %s%s\n", by_name ? "caught" : "SURVIVES", mutant.does,
                mutant.caught_by, also.c_str());
    std::fflush(stdout);
    CHECK_MESSAGE(by_name, mutant.does);
  }
  std::printf("faulty reactors: %zu of %zu caught\n", caught, std::size(mutants));
}
