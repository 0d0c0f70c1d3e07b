// SPDX-License-Identifier: MIT
#include <algorithm>
#include <chrono>
#include <utility>

#include "tests/fuzz/families.hpp"

namespace deferred::fuzz {

Task<> Families::pause(MemberPointer self, const Modelled* scope, Duration time) {
  auto ended = watch(self, scope, Wait::sure, Pause{time});
  const Outcome<void> outcome = co_await std::move(ended);
  outcome.value();
}

Task<> Families::receive(MemberPointer self, const Modelled* scope, Line& line) {
  const OneMore waits(line.receiving);
  AtStake stake(book_, 1);
  auto ended = watch(self, scope, Wait::unsure, line.channel.receive());
  Outcome<std::optional<Parcel>> outcome = co_await std::move(ended);
  stake.none_is_lost();
  std::optional<Parcel> parcel = std::move(outcome).value();
  if (parcel) parcel->take();
}

Task<> Families::send(MemberPointer self, const Modelled* scope, Line& line) {
  const OneMore waits(line.sending);
  Outgoing mine(book_);
  auto ended = watch(self, scope, Wait::unsure, line.channel.send(std::move(mine.parcel)));
  const Outcome<void> outcome = co_await std::move(ended);
  require(mine.parcel.here() != outcome.has_value(), "a parcel is not where its send says");
  if (!outcome.check<ChannelClosedError>()) outcome.value();
}

Task<> Families::hear(MemberPointer self, const Modelled* scope, Bell& bell) {
  auto ended = watch<Event&>(self, scope, Wait::unsure, bell.event);
  const Outcome<void> outcome = co_await std::move(ended);
  outcome.value();
}

Task<> Families::steps(MemberPointer self, const Modelled* scope, std::uint64_t seed,
                       unsigned depth) {
  const OneMore frame(frames_);
  Random random(seed);
  for (unsigned n = 1 + random.below(4); n != 0; --n) {
    const std::uint64_t next = random.next();
    const bool catches = random.one_in(3);
    const bool waits_then = random.one_in(2);
    bool caught = false;
    try {
      co_await step(self, scope, next, depth);
    } catch (...) {
      if (!catches) throw;
      caught = true;
    }
    if (caught && waits_then) co_await pause(self, scope, Duration::zero());
  }
}

Task<> Families::step(MemberPointer self, const Modelled* scope, std::uint64_t seed,
                      unsigned depth) {
  static constexpr const char* names[] = {"meddle",       "trouble",   "pause",     "pause",
                                          "receive",      "send",      "hear",      "move_on_after",
                                          "with_timeout", "shield",    "scope.run", "with_nursery",
                                          "with_nursery", "a Nursery", "join",      "join"};
  const OneMore frame(frames_);
  Random random(seed);
  const std::uint64_t more = random.next();
  const Duration limit = std::chrono::milliseconds(random.below(4));
  const unsigned what = random.below(depth < 4 && fuel_ != 0 ? std::size(names) : 7);
  if (!act(seed, names[what])) co_return;
  switch (what) {
    case 0:
      meddle(random);
      break;
    case 1:
      if (random.one_in(3)) throw Trouble{++last_trouble_};
      break;
    case 2:
    case 3:
      co_await pause(self, scope, limit);
      break;
    case 4:
      co_await receive(self, scope, some_line(random));
      break;
    case 5:
      co_await send(self, scope, some_line(random));
      break;
    case 6:
      co_await hear(self, scope, some_bell(random));
      break;
    case 7: {
      Modelled limited{scope, later(reactor_->now(), limit)};
      const bool in_time = co_await move_on_after(limit, steps(self, &limited, more, depth + 1));
      require(in_time || reactor_->now() >= limited.deadline, "a limit comes too early");
      break;
    }
    case 8: {
      Modelled limited{scope, later(reactor_->now(), limit)};
      co_await with_timeout(limit, steps(self, &limited, more, depth + 1));
      break;
    }
    case 9:
      co_await shielded(self, scope, more, depth + 1);
      break;
    case 10: {
      CancelScope cancels;
      const auto modelled = std::make_shared<Modelled>(Modelled{scope});
      scopes_.push_back({modelled, &cancels});
      const bool ended = co_await cancels.run(steps(self, modelled.get(), more, depth + 1));
      require(ended || modelled->cancelled, "a scope that nobody has cancelled gives nothing");
      break;
    }
    case 11:
    case 12:
      co_await family(self, scope, more, depth + 1);
      break;
    case 13:
      co_await object(self, more);
      break;
    default:
      co_await join(self, scope, more, depth + 1);
  }
}

Task<> Families::shielded(MemberPointer self, const Modelled* scope, std::uint64_t seed,
                          unsigned depth) {
  Modelled modelled{scope};
  modelled.shield = true;
  self->enter_shield();
  auto inner = as_outcome(shield(steps(self, &modelled, seed, depth)));
  const Outcome<void> outcome = co_await std::move(inner);
  self->leave_shield();
  outcome.value();
}

Task<> Families::family(MemberPointer self, const Modelled* scope, std::uint64_t seed,
                        unsigned depth) {
  const Open open(*this, *self, scope);
  Kin& kin = *open.kin;
  const auto body = [&](Nursery& nursery) -> Task<> {
    kin.nursery = &nursery;
    Random random(seed);
    for (unsigned n = random.below(4); n != 0; --n) begin(open.kin, random.next());
    auto mine = as_outcome(steps(self, &kin.scope, random.next(), depth));
    const Outcome<void> outcome = co_await std::move(mine);
    self->once_due = false;  // it may come to the wait for the children
    if (!outcome.has_value()) kin.scope.cancelled = true;
    outcome.value();
  };
  auto whole = as_outcome(with_nursery(body));
  const Outcome<void> outcome = co_await std::move(whole);
  require(kin.begun == kin.ended, "a nursery ends before its children");
  std::vector<unsigned> told;
  if (!outcome.has_value()) tell(outcome.failure(), told);
  for (const unsigned number : kin.troubles) {
    require(std::find(told.begin(), told.end(), number) != told.end(), "an error is lost");
  }
  outcome.value();
}

Task<> Families::object(MemberPointer self, std::uint64_t seed) {
  const Open open(*this, *self, nullptr);
  Nursery nursery;
  open.kin->nursery = &nursery;
  Random random(seed);
  for (unsigned n = random.below(4); n != 0; --n) begin(open.kin, random.next());
  if (random.one_in(2)) co_return;  // its end closes what is there
  open.kin->scope.maybe = true;
  self->once_due = false;
  co_await nursery;
  require(nursery.size() == 0, "a nursery ends before its children");
}

}  // namespace deferred::fuzz
