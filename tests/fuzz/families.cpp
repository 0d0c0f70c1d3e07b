// SPDX-License-Identifier: MIT
//
// Random families of tasks, in nurseries, scopes, shields and limits in each other, whose members
// cancel, close and throw into each other. A model of a few lines says at each wait whether it is
// cancelled; no frame is left, and no error of a child is lost. Prints which seed failed, and why:
//
//     fuzz_families [--from N] [--worlds N] [--seed N]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "deferred/deferred.hpp"
#include "reactors/virtual_time.hpp"
#include "tests/fuzz/random.hpp"

using namespace std::chrono_literals;

namespace deferred::fuzz {
namespace {

struct Trouble {
  unsigned number = 0;
};

/// A scope as the model has it: what cancels it is noted here when it is asked for.
struct Modelled {
  const Modelled* outer = nullptr;
  TimePoint deadline = TimePoint::max();
  bool cancelled = false;
  bool maybe = false;  // something was done that may have cancelled it
  bool shield = false;
};
enum class Expected { no, maybe, yes };
Expected cancelled_in(const Modelled* scope, TimePoint now) {
  Expected expected = Expected::no;
  for (; scope; scope = scope->outer) {
    if (scope->cancelled || scope->deadline < now) return Expected::yes;
    if (scope->maybe || scope->deadline == now) expected = Expected::maybe;
    if (scope->shield) break;
  }
  return expected;
}

struct Kin {
  Nursery* nursery = nullptr;  // null once it is over
  Modelled scope;
  int begun = 0, ended = 0;
  std::vector<unsigned> troubles;  // that have left its children
};
using KinPointer = std::shared_ptr<Kin>;

struct Member {
  Modelled scope;
  TaskRef task;
  int once = 0;          // one-shot cancels that may still come
  bool meddled = false;  // its nurseries may be cancelled by one, or by what was thrown in
  bool closed = false;
  std::vector<Kin*> own;  // nurseries it has open
};
using MemberPointer = std::shared_ptr<Member>;

class Families {
 public:
  explicit Families(std::uint64_t seed) : random_(seed) {}

  void run() {
    set_unhandled_failure_hook([](const Failure& failure, const std::string&) {
      if (!failure.check<Trouble>() && !failure.check<TimeoutError>()) fail(failure.report());
    });
    reactor_ = std::make_unique<Reactor>(time_);
    for (unsigned n = 1 + random_.below(3); n != 0; --n) begin(nullptr);
    const bool dies = random_.one_in(8);
    for (unsigned turns = random_.below(30); turns != 0; --turns) {
      if (reactor_->busy() || reactor_->timer_count() != 0) time_.run_once(true);
      if (random_.one_in(3)) meddle(random_);
    }
    if (!dies) {
      require(time_.run_until_idle(1h), "a wait does not end");
      require(reactor_->task_count() == 0, "a task is left");
      require(reactor_->timer_count() == 0, "a timer is left");
    }
    for (const MemberPointer& member : members_) member->task = TaskRef();
    reactor_.reset();
    require(frames_ == 0, "a frame is left");
  }

  static std::uint64_t current_seed;

 private:
  static void fail(const std::string& what) {
    std::printf("fuzz_families: seed %llu failed: %s\n",
                static_cast<unsigned long long>(current_seed), what.c_str());
    std::fflush(stdout);
    std::abort();
  }
  static void require(bool right, const char* what) {
    if (!right) fail(what);
  }

  class Frame {
   public:
    explicit Frame(Families& of) : of_(of) { ++of_.frames_; }
    Frame(const Frame&) = delete;
    Frame& operator=(const Frame&) = delete;
    ~Frame() { --of_.frames_; }

   private:
    Families& of_;
  };
  /// While it lives, others may find the nursery.
  class Open {
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
  /// A child from its spawn to the end of its frame.
  class Counts {
   public:
    explicit Counts(KinPointer of) : kin_(std::move(of)) { ++kin_->begun; }
    Counts(const Counts&) = delete;
    Counts& operator=(const Counts&) = delete;
    ~Counts() { ++kin_->ended; }

   private:
    KinPointer kin_;
  };
  struct KnownScope {
    std::weak_ptr<Modelled> modelled;
    CancelScope* scope;
  };

  void begin(const KinPointer& kin) {
    if (fuel_ == 0) return;
    --fuel_;
    auto member = std::make_shared<Member>();
    members_.push_back(member);
    const std::uint64_t seed = random_.next();
    if (!kin) {
      member->task = spawn(*reactor_, alone(member, seed)).task();
      return;
    }
    member->scope.outer = &kin->scope;
    member->task =
        kin->nursery->spawn(child(member, kin, std::make_unique<Counts>(kin), seed)).task();
  }
  Task<> alone(MemberPointer self, std::uint64_t seed) {
    co_await steps(self, &self->scope, seed, 0);
  }
  Task<> child(MemberPointer self, KinPointer kin, std::unique_ptr<Counts>, std::uint64_t seed) {
    try {
      co_await steps(self, &self->scope, seed, 1);
    } catch (const Cancelled&) {
      throw;
    } catch (const Trouble& trouble) {
      kin->troubles.push_back(trouble.number);
      kin->scope.cancelled = true;
      throw;
    } catch (...) {
      kin->scope.cancelled = true;
      throw;
    }
  }

  /// A wait, of which the model says what may come of it.
  Task<> wait(MemberPointer self, const Modelled* scope, Duration time) {
    const Expected before = cancelled_in(scope, reactor_->now());
    try {
      co_await Pause{time};
    } catch (const Cancelled&) {
      const bool expected = cancelled_in(scope, reactor_->now()) != Expected::no;
      require(expected || self->once > 0, "a wait is cancelled by nobody");
      if (!expected) --self->once;
      require(!self->closed, "a closed task goes on");
      throw;
    }
    require(!self->closed, "a closed task goes on");
    require(before != Expected::yes, "a cancelled task waits");
  }

  Task<> steps(MemberPointer self, const Modelled* scope, std::uint64_t seed, unsigned depth) {
    const Frame frame(*this);
    Random random(seed);
    for (unsigned n = 1 + random.below(4); n != 0; --n) {
      bool caught = false;
      try {
        co_await step(self, scope, random.next(), depth);
      } catch (...) {
        if (!random.one_in(3)) throw;
        caught = true;
      }
      if (caught && random.one_in(2)) co_await wait(self, scope, 0ms);
    }
  }
  Task<> step(MemberPointer self, const Modelled* scope, std::uint64_t seed, unsigned depth) {
    const Frame frame(*this);
    Random random(seed);
    const std::uint64_t more = random.next();
    const Duration limit = std::chrono::milliseconds(random.below(4));
    switch (random.below(depth < 4 && fuel_ != 0 ? 11 : 4)) {
      case 0:
        meddle(random);
        break;
      case 1:
        if (random.one_in(3)) throw Trouble{++last_trouble_};
        break;
      case 2:
      case 3:
        co_await wait(self, scope, limit);
        break;
      case 4: {
        Modelled limited{scope, later(reactor_->now(), limit)};
        const bool in_time = co_await move_on_after(limit, steps(self, &limited, more, depth + 1));
        require(in_time || reactor_->now() >= limited.deadline, "a limit comes too early");
        break;
      }
      case 5: {
        Modelled limited{scope, later(reactor_->now(), limit)};
        co_await with_timeout(limit, steps(self, &limited, more, depth + 1));
        break;
      }
      case 6: {
        Modelled shielded{scope};
        shielded.shield = true;
        co_await shield(steps(self, &shielded, more, depth + 1));
        break;
      }
      case 7: {
        CancelScope cancels;
        const auto modelled = std::make_shared<Modelled>(Modelled{scope});
        scopes_.push_back({modelled, &cancels});
        const bool ended = co_await cancels.run(steps(self, modelled.get(), more, depth + 1));
        require(ended || modelled->cancelled, "a scope that nobody has cancelled gives nothing");
        break;
      }
      case 8:
      case 9:
        co_await family(self, scope, more, depth + 1);
        break;
      default:
        co_await object(self, more);
    }
  }
  Task<> family(MemberPointer self, const Modelled* scope, std::uint64_t seed, unsigned depth) {
    const Open open(*this, *self, scope);
    Kin& kin = *open.kin;
    const auto body = [&](Nursery& nursery) -> Task<> {
      kin.nursery = &nursery;
      Random random(seed);
      for (unsigned n = random.below(4); n != 0; --n) begin(open.kin);
      try {
        co_await steps(self, &kin.scope, random.next(), depth);
      } catch (...) {
        kin.scope.cancelled = true;
        throw;
      }
    };
    const Outcome<void> outcome = co_await as_outcome(with_nursery(body));
    require(kin.begun == kin.ended, "a nursery ends before its children");
    std::vector<unsigned> told;
    if (!outcome.has_value()) tell(outcome.failure(), told);
    for (const unsigned number : kin.troubles) {
      require(std::find(told.begin(), told.end(), number) != told.end(), "an error is lost");
    }
    outcome.value();
  }
  static void tell(const Failure& failure, std::vector<unsigned>& told) {
    if (const Trouble* const trouble = failure.check<Trouble>()) told.push_back(trouble->number);
    for (const Failure& other : failure.suppressed()) tell(other, told);
  }
  Task<> object(MemberPointer self, std::uint64_t seed) {
    const Open open(*this, *self, nullptr);
    Nursery nursery;
    open.kin->nursery = &nursery;
    Random random(seed);
    for (unsigned n = random.below(4); n != 0; --n) begin(open.kin);
    if (random.one_in(2)) co_return;  // its end closes what is there
    open.kin->scope.maybe = true;
    co_await nursery;
    require(nursery.size() == 0, "a nursery ends before its children");
  }

  void meddle(Random& random) {
    switch (random.below(7)) {
      case 0:
        return with_task(random, [](Member& member) {
          member.scope.cancelled = true;
          member.task.cancel();
        });
      case 1:
        return with_task(random, [](Member& member) {
          ++member.once;
          meddled_with(member);
          member.task.cancel_once();
        });
      case 2:
        return with_task(random, [this](Member& member) {
          if (member.task == TaskRef::running()) return;
          meddled_with(member);
          try {
            member.task.throw_(Trouble{++last_trouble_});
          } catch (const TaskRunningError&) {
          }
        });
      case 3:
        return with_task(random, [](Member& member) {
          member.task.close();
          if (member.task.done()) member.closed = true;
        });
      case 4: {
        std::erase_if(scopes_, [](const KnownScope& known) { return known.modelled.expired(); });
        if (scopes_.empty()) return;
        const KnownScope& known = scopes_[random.below(static_cast<unsigned>(scopes_.size()))];
        known.modelled.lock()->cancelled = true;
        return known.scope->cancel();
      }
      default: {
        std::erase_if(kins_, [](const KinPointer& kin) { return !kin->nursery; });
        if (kins_.empty()) return;
        const KinPointer kin = kins_[random.below(static_cast<unsigned>(kins_.size()))];
        if (random.one_in(3)) {
          kin->scope.cancelled = true;
          kin->nursery->cancel();
        } else {
          begin(kin);
        }
      }
    }
  }
  static void meddled_with(Member& member) {
    member.meddled = true;
    for (Kin* const kin : member.own) kin->scope.maybe = true;
  }
  template <class F>
  void with_task(Random& random, F f) {
    std::erase_if(members_, [](const MemberPointer& member) { return member->task.done(); });
    if (members_.empty()) return;
    const MemberPointer member = members_[random.below(static_cast<unsigned>(members_.size()))];
    f(*member);
  }

  Random random_;
  reactors::VirtualTime time_;
  std::unique_ptr<Reactor> reactor_;
  std::vector<MemberPointer> members_;
  std::vector<KinPointer> kins_;
  std::vector<KnownScope> scopes_;
  unsigned fuel_ = 60;  // tasks that may still be begun
  unsigned last_trouble_ = 0;
  int frames_ = 0;
};
std::uint64_t Families::current_seed = 0;

}  // namespace
}  // namespace deferred::fuzz

int main(int argc, char** argv) {
  std::uint64_t from = 1, worlds = 3000;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const std::uint64_t value = std::strtoull(argv[i + 1], nullptr, 10);
    if (name == "--seed") {
      from = value;
      worlds = 1;
    } else if (name == "--from") {
      from = value;
    } else if (name == "--worlds") {
      worlds = value;
    } else {
      std::fprintf(stderr, "fuzz_families: %s: what is that?\n", argv[i]);
      return 2;
    }
  }
  for (std::uint64_t seed = from; seed != from + worlds; ++seed) {
    deferred::fuzz::Families::current_seed = seed;
    deferred::fuzz::Families(seed).run();
  }
  std::printf("fuzz_families: %llu worlds\n", static_cast<unsigned long long>(worlds));
  return 0;
}
