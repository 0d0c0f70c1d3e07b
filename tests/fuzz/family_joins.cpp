// SPDX-License-Identifier: MIT
#include <algorithm>
#include <chrono>
#include <utility>

#include "tests/fuzz/families.hpp"
#include "tests/fuzz/join_results.hpp"

namespace deferred::fuzz {

namespace {

using How = InputEnd::How;
using Place = JoinPlace;

Duration some_time(Random& random) { return std::chrono::milliseconds(random.below(4)); }

}  // namespace

/// How an input has ended: closed, unless it says something else.
class Families::NotedEnd {
 public:
  NotedEnd(Kin& kin, std::size_t index) : kin_(kin) { end.index = index; }
  NotedEnd(const NotedEnd&) = delete;
  NotedEnd& operator=(const NotedEnd&) = delete;
  ~NotedEnd() { kin_.input_ended(end); }

  InputEnd end;

 private:
  Kin& kin_;
};

Task<std::size_t> Families::input(KinPointer kin, std::size_t index, std::unique_ptr<Counts>,
                                  std::uint64_t seed, unsigned depth) {
  const auto self = std::make_shared<Member>();
  self->scope.outer = &kin->scope;
  self->task = TaskRef::running();
  self->begun = true;
  members_.push_back(self);
  NotedEnd noted(*kin, index);
  const bool ends_late = Random(seed).one_in(3);
  auto mine = as_outcome(ends_late ? shielded(self, &self->scope, seed, depth)
                                   : steps(self, &self->scope, seed, depth));
  const Outcome<void> outcome = co_await std::move(mine);
  if (outcome.has_value()) {
    noted.end.how = How::value;
  } else if (outcome.check<Cancelled>()) {
    noted.end.how = How::cancelled;
  } else if (const Trouble* const trouble = outcome.check<Trouble>()) {
    noted.end.how = How::trouble;
    noted.end.trouble = trouble->number;
  }
  outcome.value();
  co_return index;
}

Task<std::size_t> Families::input_of(const KinPointer& kin, std::size_t index, Random& random,
                                     unsigned depth) {
  if (fuel_ != 0) --fuel_;
  return input(kin, index, std::make_unique<Counts>(kin), random.next(), depth);
}

/// A join of any sort: gives which input has decided it, if one has.
template <class Y>
Task<Place> Families::joined(MemberPointer self, const Modelled* scope, KinPointer kin,
                             int at_stake, Y y) {
  AtStake stake(book_, at_stake);
  auto ended = watch(self, scope, Wait::join, std::move(y));
  auto outcome = co_await std::move(ended);
  require(kin->begun == kin->ended, "a join ends before its inputs");
  if (!outcome.has_value()) {
    const bool decides_at_once = kin->kind == JoinKind::any || kin->kind == JoinKind::race;
    if (decides_at_once && kin->begun == 0) stake.none_is_lost();
    if (outcome.template check<AbandonedError>() && kin->has(How::other)) co_return Place();
    require(!outcome.template check<Cancelled>() || self->once > 0 || kin->has(How::cancelled) ||
                kin->is_nested || cancelled_in(scope, reactor_->now()) != Expected::no,
            "a join is cancelled by nobody");
    look_at_the_failure(*self, *kin, outcome.failure());
    outcome.value();
  }
  if (!kin->is_nested) stake.none_is_lost();  // a task that loses drops what it was given
  bool right = true;
  const Place winner = look_into(outcome.value(), {}, right);
  require(right, "a join gives a value in the place of another");
  co_return winner;
}

Task<> Families::join(MemberPointer self, const Modelled* scope, std::uint64_t seed,
                      unsigned depth) {
  Random random(seed);
  const bool plain = random.one_in(2);
  const std::uint64_t more = random.next();
  switch (random.below(4)) {
    case 0:
      return plain ? plain_join<JoinKind::all>(self, scope, more)
                   : join_of_tasks<JoinKind::all>(self, scope, more, depth);
    case 1:
      return plain ? plain_join<JoinKind::all_settled>(self, scope, more)
                   : join_of_tasks<JoinKind::all_settled>(self, scope, more, depth);
    case 2:
      return plain ? plain_join<JoinKind::any>(self, scope, more)
                   : join_of_tasks<JoinKind::any>(self, scope, more, depth);
    default:
      return plain ? plain_join<JoinKind::race>(self, scope, more)
                   : join_of_tasks<JoinKind::race>(self, scope, more, depth);
  }
}

template <JoinKind Kind>
Task<> Families::plain_join(MemberPointer self, const Modelled* scope, std::uint64_t seed) {
  const OneMore frame(frames_);
  Random random(seed);
  const Open open(*this, *self, scope);
  open.kin->kind = Kind;
  Channel<Parcel>& first = some_line(random).channel;
  Channel<Parcel>& second = some_line(random).channel;
  const Duration time = some_time(random);
  switch (random.below(6)) {
    case 0: {
      const Duration other = some_time(random);
      auto both = join_of<Kind>(Pause{time}, Pause{other});
      const Place winner = co_await joined(self, scope, open.kin, 0, std::move(both));
      const bool either = shuffled_ && time == Duration() && other == Duration();
      require(!winner || either || *winner == (other < time ? 1U : 0U), "the later Pause wins");
      break;
    }
    case 1: {
      auto both = join_of<Kind>(first.receive(), second.receive());
      co_await joined(self, scope, open.kin, 2, std::move(both));
      break;
    }
    case 2: {
      auto both = join_of<Kind>(first.receive(), Pause{time});
      co_await joined(self, scope, open.kin, 1, std::move(both));
      break;
    }
    case 3: {
      const bool rung[] = {bells_[0].event.is_set(), bells_[1].event.is_set()};
      const unsigned begun = next_position();
      auto both = join_of<Kind>(bells_[0].event, bells_[1].event);
      const Place winner = co_await joined(self, scope, open.kin, 0, std::move(both));
      const unsigned left = bells_[0].first_since(begun, rung[0]);
      const unsigned right = bells_[1].first_since(begun, rung[1]);
      require(!winner || *winner == (right < left ? 1U : 0U), "the later Event wins");
      break;
    }
    case 4: {
      auto inner = race(first.receive(), Pause{time});
      auto both = join_of<Kind>(std::move(inner), second.receive(), some_bell(random).event);
      co_await joined(self, scope, open.kin, 2, std::move(both));
      break;
    }
    default: {
      std::vector<Receive<Parcel>> several;
      for (unsigned n = 1 + random.below(3); n != 0; --n) {
        several.push_back(some_line(random).channel.receive());
      }
      const int at_stake = static_cast<int>(several.size());
      auto them = join_of<Kind>(std::move(several));
      co_await joined(self, scope, open.kin, at_stake, std::move(them));
    }
  }
}

template <JoinKind Kind>
Task<> Families::join_of_tasks(MemberPointer self, const Modelled* scope, std::uint64_t seed,
                               unsigned depth) {
  const OneMore frame(frames_);
  Random random(seed);
  const Open open(*this, *self, scope);
  Kin& kin = *open.kin;
  kin.kind = Kind;
  constexpr bool value_decides = Kind == JoinKind::any || Kind == JoinKind::race;
  Channel<Parcel>& line = some_line(random).channel;
  Channel<Parcel>& other_line = some_line(random).channel;
  switch (random.below(4)) {
    case 0: {
      auto left = input_of(open.kin, 0, random, depth);
      auto right = input_of(open.kin, 1, random, depth);
      auto both = join_of<Kind>(std::move(left), std::move(right));
      const Place winner = co_await joined(self, scope, open.kin, 0, std::move(both));
      look_at_the_winner(kin, winner);
      break;
    }
    case 1: {
      kin.scope.maybe = kin.scope.maybe || value_decides;
      auto task = input_of(open.kin, 0, random, depth);
      auto them = join_of<Kind>(std::move(task), line.receive(), other_line.receive());
      co_await joined(self, scope, open.kin, 2, std::move(them));
      break;
    }
    case 2: {
      std::vector<Task<std::size_t>> several;
      const unsigned inputs = 1 + random.below(3);
      for (std::size_t index = 0; index != inputs; ++index) {
        several.push_back(input_of(open.kin, index, random, depth));
      }
      auto them = join_of<Kind>(std::move(several));
      const Place winner = co_await joined(self, scope, open.kin, 0, std::move(them));
      look_at_the_winner(kin, winner);
      break;
    }
    default: {
      const Open inner(*this, *self, &kin.scope);
      kin.is_nested = kin.scope.maybe = inner.kin->scope.maybe = true;
      auto task = input_of(inner.kin, 0, random, depth);
      auto mixed = race(std::move(task), line.receive(), some_bell(random).event);
      auto other = input_of(open.kin, 1, random, depth);
      auto both = join_of<Kind>(std::move(mixed), std::move(other));
      co_await joined(self, scope, open.kin, 1, std::move(both));
      require(inner.kin->begun == inner.kin->ended, "a join ends before the inputs of its inputs");
    }
  }
}

/// Of tasks only: it is the first to end, or the first with a value.
void Families::look_at_the_winner(const Kin& kin, Place winner) {
  if (!winner) return;
  const auto first = std::find_if(kin.ends.begin(), kin.ends.end(),
                                  [](const InputEnd& end) { return end.how == How::value; });
  require(first != kin.ends.end() && first->index == *winner, "not the first wins");
  require(kin.kind == JoinKind::any || first == kin.ends.begin(), "not the first wins a race");
}

/// The error that is thrown is the one that has decided; of all() none is lost.
void Families::look_at_the_failure(const Member& self, const Kin& kin, const Failure& failure) {
  if (self.meddled) return;  // something else may have been thrown in
  std::vector<unsigned> told;
  tell(failure, told);
  for (const InputEnd& end : kin.ends) {
    require(kin.kind != JoinKind::all || end.how != How::trouble ||
                std::find(told.begin(), told.end(), end.trouble) != told.end(),
            "an error of an input is lost");
  }
  if (kin.ends.size() < 2 || !failure.check<Trouble>()) return;
  const auto decides = std::find_if(kin.ends.begin(), kin.ends.end(), [&](const InputEnd& end) {
    return kin.kind == JoinKind::any ? end.index == 0 : end.how != How::value;
  });
  require(
      decides != kin.ends.end() && decides->how == How::trouble && decides->trouble == told.front(),
      "another error than that which decides is thrown");
}

}  // namespace deferred::fuzz
