// SPDX-License-Identifier: MIT
//
// MutantPoll: the poll(2) backend with one fault, chosen when it is made. What the conformance kit
// is tried on: mutants.cpp.
#pragma once

#include <memory>

#include "deferred/reactor/backend.hpp"

namespace deferred::testing {

enum class Fault {
  none,
  // Wake-ups
  loses_wake_while_waiting,
  loses_wake_before_waiting,
  clears_flag_before_eventfd,
  turns_inside_wake,
  counts_wakes,
  // Deadlines
  rounds_down,
  rounds_up_to_seconds,
  keeps_a_withdrawn_deadline,
  keeps_the_later_deadline,
  keeps_the_earlier_deadline,
  forgets_a_deadline_set_in_a_turn,
  subtracts_without_care,
  never_sleeps,
  // The clock
  clock_in_milliseconds,
  clock_too_fast,
  clock_of_the_last_wait,
  // Turns
  waits_without_being_asked,
  forgets_the_turn_after_a_report,
  turns_twice,
  turns_before_reporting,
  throws_when_interrupted,
  // Descriptors
  reports_once,
  forgets_a_report_when_rewatched,
  ignores_rewatch,
  rewatch_only_adds,
  hides_a_hang_up,
  tells_only_writers_of_a_hang_up,
  tells_readers_of_room,
  hides_room,
  reports_one_at_a_time,
  looks_at_ten_only,
  reports_the_first_ten,
  forgets_high_numbers,
  reports_what_is_unwatched,
  reports_the_old_list,
  keeps_the_old_place,
  goes_forward_through_holes,
  keeps_the_old_handler,
  hides_a_lost_descriptor,
  takes_a_closed_descriptor,
  leaks_on_unwatch,
  leaks_its_eventfd,
  inherited_by_programs,
  locks_in_wake,
};

std::unique_ptr<Backend> mutant_poll(Fault fault);

}  // namespace deferred::testing
