// SPDX-License-Identifier: MIT
//
// do_steps: what the steps of a program of Deferreds ask for, of the library and of the model. It
// has the rules of the places in it, so that a side has only what Deferreds do.
#pragma once

#include <vector>

#include "tests/model/chains_program.hpp"

namespace deferred::model {

template <class S>
void do_step(S& side, const Step& step);

template <class S>
void drop(S& side, Step::Does what, unsigned place) {
  Step step;
  step.does = what;
  step.place = place;
  do_step(side, step);
}

/// Drops what lies there; what is called by that may put something there.
template <class S>
bool make_room(S& side, unsigned place) {
  drop(side, Step::Does::drop_promise, place);
  drop(side, Step::Does::drop_deferred, place);
  return !side.has_promise(place) && !side.has_deferred(place);
}
template <class S>
bool make_room_to_share(S& side, unsigned place) {
  drop(side, Step::Does::drop_shared, place);
  return side.has_deferred(place) && !side.has_shared(place);
}
template <class S>
bool make_room_to_read(S& side, unsigned place, unsigned other) {
  drop(side, Step::Does::drop_deferred, other);
  return side.has_shared(place) && !side.has_deferred(other);
}

/// REQUIRES of a side: a function for each word of Step::Does, has_promise(), has_deferred() and
/// has_shared() of a place, and steps_left, for cancellers can be asked again without end.
template <class S>
void do_step(S& side, const Step& step) {
  using enum Step::Does;
  const unsigned place = step.place;
  const bool promise = side.has_promise(place);
  const bool deferred = side.has_deferred(place);
  const bool shared = side.has_shared(place);
  switch (step.does) {
    case make:
      return make_room(side, place) ? side.make(step) : void();
    case succeed:
      return make_room(side, place) ? side.succeed(step) : void();
    case fail:
      return make_room(side, place) ? side.fail(step) : void();
    case fire:
      return promise ? side.fire(step) : void();
    case errback:
      return promise ? side.errback(step) : void();
    case add:
      return deferred ? side.add(step) : void();
    case chain:
      return deferred && side.has_promise(step.other) ? side.chain(step) : void();
    case pause:
      return deferred ? side.pause(step) : void();
    case unpause:
      return deferred ? side.unpause(step) : void();
    case pause_by_promise:
      return promise ? side.pause_by_promise(step) : void();
    case unpause_by_promise:
      return promise ? side.unpause_by_promise(step) : void();
    case cancel:
      return deferred ? side.cancel(step) : void();
    case abandon:
      return deferred ? side.abandon(step) : void();
    case drop_promise:
      return promise ? side.drop_promise(step) : void();
    case drop_deferred:
      return deferred ? side.drop_deferred(step) : void();
    case take:
      return deferred ? side.take(step) : void();
    case look_at_promise:
      return promise ? side.look_at_promise(step) : void();
    case look_at_deferred:
      return deferred ? side.look_at_deferred(step) : void();
    case share:
      return deferred && make_room_to_share(side, place) ? side.share(step) : void();
    case read:
      return shared && make_room_to_read(side, place, step.other) ? side.read(step) : void();
    case cancel_shared:
      return shared ? side.cancel_shared(step) : void();
    case drop_shared:
      return shared ? side.drop_shared(step) : void();
  }
}

template <class S>
void do_steps(S& side, const std::vector<Step>& steps) {
  for (const Step& step : steps) {
    if (side.steps_left == 0) return;
    --side.steps_left;
    do_step(side, step);
  }
}

/// The whole program; and then drops what is left, and what callbacks put there meanwhile.
template <class S>
void do_program(S& side, const ChainsProgram& program) {
  do_steps(side, program.steps);
  Step last;
  const auto is_left = [&] {
    for (last.place = 0; last.place != places; ++last.place) {
      last.does = side.has_promise(last.place)    ? Step::Does::drop_promise
                  : side.has_deferred(last.place) ? Step::Does::drop_deferred
                                                  : Step::Does::drop_shared;
      if (last.does != Step::Does::drop_shared || side.has_shared(last.place)) return true;
    }
    return false;
  };
  while (is_left()) do_step(side, last);
}

}  // namespace deferred::model
