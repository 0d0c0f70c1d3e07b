// SPDX-License-Identifier: MIT
//
// Families: a reactor in virtual time, and random tasks in nurseries, scopes, shields, limits and
// joins in each other, with channels and events between them, which cancel, close and throw into
// each other. A seed is one world. Each step has a number that hangs on its own place only, so that
// steps can be left out and the others stay what they were. family_members.cpp: what the tasks do;
// family_joins.cpp: their joins; family_meddling.cpp: what is done to them.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "deferred/deferred.hpp"
#include "reactors/virtual_time.hpp"
#include "tests/fuzz/family_model.hpp"
#include "tests/fuzz/parcels.hpp"
#include "tests/fuzz/random.hpp"
#include "tests/fuzz/world_options.hpp"

namespace deferred::fuzz {

class Families {
 public:
  Families(std::uint64_t seed, const WorldOptions& options);
  Families(const Families&) = delete;
  Families& operator=(const Families&) = delete;
  /// Does all of it, and looks at what is left.
  void run();

 private:
  class Open;
  class Counts;
  class NotedEnd;
  struct KnownScope {
    std::weak_ptr<Modelled> modelled;
    CancelScope* scope;
  };
  /// What is waited for: it has to be waited for; it may be there; it is several.
  enum class Wait { sure, unsure, join };

  void require(bool right, const char* what) {
    if (!right) options_.failed(what);
  }
  /// False if it is to be left out.
  bool act(std::uint64_t seed, const char* what);
  void open_all();
  void look_at_the_lines();

  /// A task, in a nursery or in none.
  void begin(const KinPointer& kin, std::uint64_t seed);
  Task<> alone(MemberPointer self, std::uint64_t seed);
  Task<> child(MemberPointer self, KinPointer kin, std::unique_ptr<Counts> counts,
               std::uint64_t seed);

  /// A wait, of which the model says what may come of it.
  template <class Y>
  Task<Outcome<AwaitedResult<Y>>> watch(MemberPointer self, const Modelled* scope, Wait kind, Y y);
  Task<> pause(MemberPointer self, const Modelled* scope, Duration time);
  Task<> receive(MemberPointer self, const Modelled* scope, Line& line);
  Task<> send(MemberPointer self, const Modelled* scope, Line& line);
  Task<> hear(MemberPointer self, const Modelled* scope, Bell& bell);

  Task<> steps(MemberPointer self, const Modelled* scope, std::uint64_t seed, unsigned depth);
  Task<> step(MemberPointer self, const Modelled* scope, std::uint64_t seed, unsigned depth);
  Task<> shielded(MemberPointer self, const Modelled* scope, std::uint64_t seed, unsigned depth);
  Task<> family(MemberPointer self, const Modelled* scope, std::uint64_t seed, unsigned depth);
  Task<> object(MemberPointer self, std::uint64_t seed);

  Task<> join(MemberPointer self, const Modelled* scope, std::uint64_t seed, unsigned depth);
  template <JoinKind Kind>
  Task<> plain_join(MemberPointer self, const Modelled* scope, std::uint64_t seed);
  template <JoinKind Kind>
  Task<> join_of_tasks(MemberPointer self, const Modelled* scope, std::uint64_t seed,
                       unsigned depth);
  template <class Y>
  Task<std::optional<std::size_t>> joined(MemberPointer self, const Modelled* scope, KinPointer kin,
                                          int at_stake, Y y);
  Task<std::size_t> input(KinPointer kin, std::size_t index, std::unique_ptr<Counts> counts,
                          std::uint64_t seed, unsigned depth);
  Task<std::size_t> input_of(const KinPointer& kin, std::size_t index, Random& random,
                             unsigned depth);
  void look_at_the_winner(const Kin& kin, std::optional<std::size_t> winner);
  void look_at_the_failure(const Member& self, const Kin& kin, const Failure& failure);

  /// Some things at one moment.
  void meddle(Random& random);
  void meddle_once(Random& random);
  void meddle_with_task(Random& random);
  void meddle_with_line(Random& random);
  Line& some_line(Random& random) { return lines_[random.below(3)]; }
  Bell& some_bell(Random& random) { return bells_[random.below(2)]; }
  unsigned next_position() noexcept { return ++position_; }

  const WorldOptions& options_;
  Random random_;
  reactors::VirtualTime time_;
  ParcelBook book_;
  std::deque<Line> lines_;  // of the capacities 0, 1, 2
  std::deque<Bell> bells_;
  std::unique_ptr<Reactor> reactor_;
  bool shuffled_ = false;  // what is ready in a round runs in any order
  std::vector<MemberPointer> members_;
  std::vector<KinPointer> kins_;
  std::vector<KnownScope> scopes_;
  unsigned fuel_ = 60;  // tasks that may still be begun
  unsigned last_trouble_ = 0;
  unsigned position_ = 0;  // in the order of what happens
  int frames_ = 0;
  bool all_open_ = false;  // lines are closed and bells rung: no wait lasts
};

/// The numbers of all troubles in a failure.
void tell(const Failure& failure, std::vector<unsigned>& told);

/// While it lives, others may find the nursery or join.
class Families::Open {
 public:
  Open(Families& of, Member& owner, const Modelled* around) : owner_(owner) {
    kin = std::make_shared<Kin>();
    kin->scope.outer = around;
    kin->scope.maybe = owner.meddled;
    owner.own.push_back(kin.get());
    of.kins_.push_back(kin);
  }
  Open(const Open&) = delete;
  Open& operator=(const Open&) = delete;
  ~Open() {
    kin->nursery = nullptr;
    std::erase(owner_.own, kin.get());
  }
  KinPointer kin;

 private:
  Member& owner_;
};

/// A child or an input, from its beginning to the end of its frame.
class Families::Counts {
 public:
  explicit Counts(KinPointer of) : kin_(std::move(of)) { ++kin_->begun; }
  Counts(const Counts&) = delete;
  Counts& operator=(const Counts&) = delete;
  ~Counts() { ++kin_->ended; }

 private:
  KinPointer kin_;
};

template <class Y>
Task<Outcome<AwaitedResult<Y>>> Families::watch(MemberPointer self, const Modelled* scope,
                                                Wait kind, Y y) {
  const OneMore frame(frames_);
  const Expected before = cancelled_in(scope, reactor_->now());
  const bool due = std::exchange(self->once_due, self->once_due && kind != Wait::join);
  self->waits = kind != Wait::join;
  auto quiet = as_outcome(std::forward<Y>(y));
  Outcome<AwaitedResult<Y>> outcome = co_await std::move(quiet);
  self->waits = false;
  require(!self->closed, "a closed task goes on");
  const bool cut = outcome.template check<Cancelled>() != nullptr;
  require(cut || before != Expected::yes || outcome.template check<Trouble>(),
          "a cancelled task waits");
  require(outcome.has_value() ? !(due && kind == Wait::sure) : true, "a one-shot cancel is lost");
  if (outcome.has_value()) co_return outcome;
  self->once_due = false;
  if (cut && cancelled_in(scope, reactor_->now()) == Expected::no && kind != Wait::join) {
    require(self->once > 0, "a wait is cancelled by nobody");
    --self->once;
  }
  co_return outcome;
}

}  // namespace deferred::fuzz
