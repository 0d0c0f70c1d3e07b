// SPDX-License-Identifier: MIT
//
// Composed programs of nurseries: no child is left, no error is lost, and what is shielded or is
// somebody else's goes on, wherever the owner is cut.
#include <algorithm>
#include <functional>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "tests/explore_cancel/programs.hpp"

using namespace std::chrono_literals;

namespace deferred::testing {
namespace {

struct Broken {
  int number = 0;
};

/// What the members of a program's families have come to.
struct Kin {
  int begun = 0, ended = 0;
  std::vector<int> thrown;  // the numbers of what they have failed with
};
Kin& kin_of(CutRun& run) {
  auto& kin = run.keep<Kin>();
  run.may_fail_with<Broken>();  // reported, if the nursery is closed that would have thrown it
  run.at_end([&] { must(kin.begun == kin.ended, "a child is left"); });
  return kin;
}
class Member {
 public:
  explicit Member(Kin& kin) : kin_(kin) { ++kin.begun; }
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;
  ~Member() { ++kin_.ended; }

 private:
  Kin& kin_;
};

Task<int> works(Kin& kin, Duration time, int value) {
  const Member member(kin);
  co_await Pause{time};
  co_return value;
}
Task<> fails(Kin& kin, Duration time, int number) {
  const Member member(kin);
  co_await Pause{time};
  kin.thrown.push_back(number);
  throw Broken{number};
}
/// Its clean-up takes a millisecond.
Task<> unwinds(Kin& kin) {
  const Member member(kin);
  bool cancelled = false;
  try {
    co_await Pause{1h};
  } catch (const Cancelled&) {
    cancelled = true;
  }
  if (!cancelled) co_return;
  co_await shield(some_time());
  throw Cancelled();
}

/// The numbers of a failure and of all that are suppressed in it.
std::vector<int> numbers_of(const Failure& failure) {
  std::vector<int> numbers;
  if (const Broken* const broken = failure.check<Broken>()) numbers.push_back(broken->number);
  for (const Failure& other : failure.suppressed()) {
    const std::vector<int> more = numbers_of(other);
    numbers.insert(numbers.end(), more.begin(), more.end());
  }
  return numbers;
}
/// What a nursery gave: each error of its children is in it once, and no child outlives it. An
/// error does not lose a cancel either: that hits the next await.
template <class T>
Task<> look_at(CutRun& run, Kin& kin, Outcome<T> outcome) {
  const bool cancelled = run.cut(Cut::cancel) || run.cut(Cut::timeout);
  must(kin.begun == kin.ended, "a nursery ends before its children");
  std::vector<int> told = outcome.has_value() ? std::vector<int>() : numbers_of(outcome.failure());
  std::sort(told.begin(), told.end());
  std::sort(kin.thrown.begin(), kin.thrown.end());
  must(told == kin.thrown, "an error of a child is lost, or comes twice");
  if (!outcome.has_value() && kin.thrown.empty()) outcome.failure().raise();
  co_await some_time();
  must(!cancelled, "a cancel is lost");
}

Task<int> parent(Kin& kin, int depth) {
  const Member member(kin);
  if (depth == 0) {
    co_await some_time();
    co_return 1;
  }
  co_return co_await with_nursery([&](Nursery& nursery) -> Task<int> {
    Spawned<int> one = nursery.spawn(parent, std::ref(kin), depth - 1);
    Spawned<int> other = nursery.spawn(parent, std::ref(kin), depth - 1);
    const int first = co_await std::move(one);
    const int second = co_await std::move(other);
    co_return first + second;
  });
}
Task<> grandchildren(CutRun& run) {
  Kin& kin = kin_of(run);
  Outcome<int> grown = co_await as_outcome(parent(kin, 2));
  must(run.cut() || (grown.has_value() && *grown == 4), "a grandchild is lost");
  co_await look_at(run, kin, std::move(grown));
}

Task<> failing_child(CutRun& run) {
  Kin& kin = kin_of(run);
  const auto family = [&](Nursery& nursery) -> Task<> {
    nursery.spawn(unwinds, std::ref(kin));
    nursery.spawn(fails, std::ref(kin), 1ms, 1);
    co_await unwinds(kin);
  };
  Outcome<void> outcome = co_await as_outcome(with_nursery(family));
  must(run.cut() || !outcome.has_value(), "a child's error is lost");
  co_await look_at(run, kin, std::move(outcome));
}
Task<> failing_grandchild(CutRun& run) {
  Kin& kin = kin_of(run);
  const auto inner = [&](Nursery& nursery) -> Task<> {
    nursery.spawn(fails, std::ref(kin), 2ms, 1);
    nursery.spawn(unwinds, std::ref(kin));
    co_await some_time();
  };
  const auto outer = [&](Nursery& nursery) -> Task<> {
    nursery.spawn(unwinds, std::ref(kin));
    nursery.spawn(with_nursery(inner));
    co_await some_time();
  };
  co_await look_at(run, kin, co_await as_outcome(with_nursery(outer)));
}
Task<> several_errors(CutRun& run) {
  Kin& kin = kin_of(run);
  const auto family = [&](Nursery& nursery) -> Task<> {
    for (int number = 1; number < 4; ++number) {
      nursery.spawn(fails, std::ref(kin), 1ms, number);
    }
    co_await some_time();
    co_await fails(kin, 0ms, 4);
  };
  co_await look_at(run, kin, co_await as_outcome(with_nursery(family)));
}
/// Fails where it unwinds, after others have failed.
Task<> fails_when_cancelled(Kin& kin, int number) {
  const Member member(kin);
  const Outcome<void> paused = co_await as_outcome(Pause{1h});
  if (paused.has_value()) co_return;
  kin.thrown.push_back(number);
  throw Broken{number};
}
Task<> errors_in_clean_up(CutRun& run) {
  Kin& kin = kin_of(run);
  const auto family = [&](Nursery& nursery) -> Task<> {
    nursery.spawn(fails_when_cancelled, std::ref(kin), 2);
    nursery.spawn(fails_when_cancelled, std::ref(kin), 3);
    nursery.spawn(fails, std::ref(kin), 1ms, 1);
    co_await some_time();
  };
  co_await look_at(run, kin, co_await as_outcome(with_nursery(family)));
}
// Who awaits a failing sibling fails with the same error: it is one.
Task<> awaits_failing_sibling(CutRun& run) {
  Kin& kin = kin_of(run);
  const auto family = [&](Nursery& nursery) -> Task<> {
    Spawned<void> sibling = nursery.spawn(fails, std::ref(kin), 1ms, 1);
    const auto waits = [](Kin& of, Spawned<void> other) -> Task<> {
      const Member member(of);
      co_await std::move(other);
    };
    nursery.spawn(waits, std::ref(kin), std::move(sibling));
    co_await some_time();
  };
  co_await look_at(run, kin, co_await as_outcome(with_nursery(family)));
}

// What fails before it has started is thrown at the start, and there only.
Task<> start_that_fails(CutRun& run) {
  Kin& kin = kin_of(run);
  const auto family = [&](Nursery& nursery) -> Task<int> {
    Spawned<int> sibling = nursery.spawn(works, std::ref(kin), 3ms, 5);
    const auto serve = [&kin](Started<int>&) -> Task<> { co_await fails(kin, 1ms, 1); };
    const Outcome<int> port = co_await as_outcome(nursery.start(serve));
    if (port.check<Broken>()) kin.thrown.clear();
    must(run.cut() || port.check<Broken>(), "start() hides an error");
    const int value = co_await std::move(sibling);
    co_return value;
  };
  Outcome<int> value = co_await as_outcome(with_nursery(family));
  must(run.cut() || (value.has_value() && *value == 5), "a start() that fails ends its nursery");
  co_await look_at(run, kin, std::move(value));
}
Task<> start_that_never_says_so(CutRun& run) {
  Kin& kin = kin_of(run);
  const auto family = [&](Nursery& nursery) -> Task<> {
    const auto serve = [&kin](Started<void>&) -> Task<> {
      const Member member(kin);
      co_await some_time();
    };
    const Outcome<void> begun = co_await as_outcome(nursery.start(serve));
    must(!begun.has_value(), "what has not started is started");
    must(run.cut() || begun.check<std::logic_error>(), "start() does not say what is wrong");
  };
  co_await look_at(run, kin, co_await as_outcome(with_nursery(family)));
}
// The child is waited for, and a late started() is nobody's.
Task<> start_that_is_abandoned(CutRun& run) {
  Kin& kin = kin_of(run);
  const auto family = [&](Nursery& nursery) -> Task<> {
    const auto serve = [&kin](Started<int>& started) -> Task<> {
      const Member member(kin);
      const Outcome<void> paused = co_await as_outcome(Pause{5ms});
      started(paused.has_value() ? 1 : 2);
    };
    const std::optional<int> port = co_await move_on_after(1ms, nursery.start(serve));
    must(!port || *port == 2 || run.cut(), "a start() that is late is in time");
    co_await some_time();
  };
  co_await look_at(run, kin, co_await as_outcome(with_nursery(family)));
}
Task<> fails_after_start(CutRun& run) {
  Kin& kin = kin_of(run);
  const auto family = [&](Nursery& nursery) -> Task<> {
    const auto serve = [&kin](Started<void>& started) -> Task<> {
      co_await some_time();
      started();
      co_await fails(kin, 1ms, 1);
    };
    co_await nursery.start(serve);
    co_await unwinds(kin);
  };
  co_await look_at(run, kin, co_await as_outcome(with_nursery(family)));
}

// One task fills it, and another waits for it.
Task<> object_awaited_by_another(CutRun& run) {
  Kin& kin = kin_of(run);
  auto& nursery = run.keep<Nursery>(run.reactor());
  nursery.spawn(works, std::ref(kin), 2ms, 1);
  nursery.spawn(unwinds, std::ref(kin));
  const auto waits = [](Nursery& of, Kin& children) -> Task<bool> {
    const bool in_time = co_await move_on_after(3ms, of);
    must(children.begun == children.ended && of.size() == 0, "a nursery ends before its children");
    co_return in_time;
  };
  Spawned<bool> waiter = spawn(waits, std::ref(nursery), std::ref(kin));
  co_await some_time();
  nursery.spawn(works, std::ref(kin), 1ms, 2);
  const bool in_time = co_await std::move(waiter);
  must(!in_time, "a child that does not end has ended");
  co_await some_time();
}
// What a local nursery holds is closed where that ends.
Task<> object_that_ends(CutRun& run) {
  Kin& kin = kin_of(run);
  {
    Nursery nursery;
    nursery.spawn(unwinds, std::ref(kin));
    nursery.spawn(parent, std::ref(kin), 1);
    co_await some_time();
  }
  must(kin.begun == kin.ended, "a nursery ends before its children");
  co_await some_time();
}
// A child in somebody else's nursery is none of the spawner's business.
Task<> foreign_nursery(CutRun& run) {
  Kin& kin = kin_of(run);
  auto& nursery = run.keep<Nursery>(run.reactor());
  auto& done = run.keep<bool>(false);
  auto& sent = run.keep<bool>(false);
  run.at_end([&] { must(done == sent, "a child is cut with who spawned it elsewhere"); });
  const auto guest = [](Kin& of, bool& flag) -> Task<> { flag = co_await works(of, 3ms, 1) == 1; };
  const auto family = [&](Nursery& own) -> Task<> {
    own.spawn(unwinds, std::ref(kin));
    co_await some_time();
    sent = true;
    nursery.spawn(guest, std::ref(kin), std::ref(done));
    co_await some_time();
    own.cancel();
  };
  co_await with_nursery(family);
  co_await some_time();
}
Task<> spawns_beside_itself(Kin& kin, Nursery& nursery, int more) {
  const Member member(kin);
  co_await some_time();
  if (more != 0) nursery.spawn(spawns_beside_itself, std::ref(kin), std::ref(nursery), more - 1);
}
Task<> relay(CutRun& run) {
  Kin& kin = kin_of(run);
  const auto family = [&](Nursery& nursery) -> Task<> {
    nursery.spawn(spawns_beside_itself, std::ref(kin), std::ref(nursery), 3);
    co_await Pause{};
  };
  Outcome<void> outcome = co_await as_outcome(with_nursery(family));
  must(run.cut() || kin.ended == 4, "a child that was spawned late is not waited for");
  co_await look_at(run, kin, std::move(outcome));
}

struct Help {
  int called = 0, shielded = 0;
  bool waited = false;
};
// What is spawned into a cancelled nursery begins, and may shield what it has to do.
Task<> spawns_when_cancelled(CutRun& run) {
  Kin& kin = kin_of(run);
  auto& help = run.keep<Help>();
  run.at_end([&] {
    must(help.called == help.shielded || run.cut(Cut::close), "shielded clean-up is cut");
    must(!help.waited, "what is spawned into a cancelled nursery is not cancelled");
  });
  const auto helps = [](Kin& of, Help& given) -> Task<> {
    const Member member(of);
    co_await shield(some_time());
    ++given.shielded;
    co_await some_time();
    given.waited = true;
  };
  const auto calls = [&](Nursery& nursery) -> Task<> {
    const Member member(kin);
    bool cancelled = false;
    try {
      co_await Pause{2ms};
    } catch (const Cancelled&) {
      cancelled = true;
    }
    if (!cancelled) co_return;
    ++help.called;
    nursery.spawn(helps, std::ref(kin), std::ref(help));
    throw Cancelled();
  };
  const auto family = [&](Nursery& nursery) -> Task<> {
    nursery.spawn(calls, std::ref(nursery));
    co_await some_time();
    co_await some_time();
  };
  co_await look_at(run, kin, co_await as_outcome(with_nursery(family)));
}

// The limit is held back until the family is done.
Task<> shielded_family(CutRun& run) {
  Kin& kin = kin_of(run);
  auto& work = run.keep<Kin>();
  run.at_end([&] {
    const bool passes = run.cut(Cut::close) || run.cut(Cut::throw_);
    must(work.begun == work.ended || passes, "shielded children are cut");
  });
  const auto child = [](Kin& of, Kin& done) -> Task<> {
    const Member member(of);
    ++done.begun;
    co_await Pause{3ms};
    ++done.ended;
  };
  const auto family = [&](Nursery& nursery) -> Task<> {
    nursery.spawn(child, std::ref(kin), std::ref(work));
    nursery.spawn(child, std::ref(kin), std::ref(work));
    co_await child(kin, work);
  };
  Outcome<void> outcome = co_await as_outcome(with_timeout(2ms, shield(with_nursery(family))));
  must(run.cut() || outcome.has_value(), "a value gives way to a limit");
  co_await look_at(run, kin, std::move(outcome));
}
Task<> family_with_limit(CutRun& run) {
  Kin& kin = kin_of(run);
  const auto family = [&](Nursery& nursery) -> Task<int> {
    nursery.spawn(unwinds, std::ref(kin));
    co_await unwinds(kin);
    co_return 1;
  };
  Outcome<std::optional<int>> outcome =
      co_await as_outcome(move_on_after(2ms, with_nursery(family)));
  must(!outcome.has_value() || !*outcome, "a family that is late gives a value");
  co_await look_at(run, kin, std::move(outcome));
}

Task<> cancelled_by_child(CutRun& run) {
  Kin& kin = kin_of(run);
  const auto family = [&](Nursery& nursery) -> Task<int> {
    nursery.spawn(unwinds, std::ref(kin));
    nursery.spawn([&]() -> Task<> {
      const Member member(kin);
      co_await Pause{2ms};
      nursery.cancel();
    });
    co_await some_time();
    co_return 7;
  };
  Outcome<int> value = co_await as_outcome(with_nursery(family));
  must(run.cut() || (value.has_value() && *value == 7), "a body's value is lost");
  co_await look_at(run, kin, std::move(value));
}
// A child that never fails is begun again, and its siblings go on.
Task<> supervisor(CutRun& run) {
  Kin& kin = kin_of(run);
  const auto supervised = [&kin]() -> Task<int> {
    const Member member(kin);
    for (int tries = 1;; ++tries) {
      const Outcome<void> outcome = co_await as_outcome(fails(kin, 1ms, tries));
      if (!outcome.check<Broken>()) outcome.value();
      kin.thrown.clear();
      if (tries == 3) co_return tries;
    }
  };
  const auto family = [&](Nursery& nursery) -> Task<int> {
    Spawned<int> sibling = nursery.spawn(works, std::ref(kin), 2ms, 5);
    Spawned<int> child = nursery.spawn(supervised);
    const int value = co_await std::move(sibling);
    const int tries = co_await std::move(child);
    co_return value + tries;
  };
  Outcome<int> value = co_await as_outcome(with_nursery(family));
  must(run.cut() || (value.has_value() && *value == 8), "a supervisor fails with its child");
  co_await look_at(run, kin, std::move(value));
}
Deferred<int> family_for_callbacks(CutRun& run, Kin& kin) {
  const Member member(kin);
  const int value = co_await with_nursery([&](Nursery& nursery) -> Task<int> {
    nursery.spawn(unwinds, std::ref(kin));
    const int got = co_await works(kin, 1ms, 3);
    nursery.cancel();
    co_return got;
  });
  must(run.reactor().task_count() != 0, "nobody runs");
  co_return value;
}
Task<> in_a_coroutine(CutRun& run) {
  Kin& kin = kin_of(run);
  Outcome<int> value = co_await as_outcome(family_for_callbacks(run, kin));
  must(run.cut() || (value.has_value() && *value == 3), "a coroutine's family loses its value");
  co_await some_time();
}

}  // namespace

Programs family_programs() {
  return {
      {"grandchildren", grandchildren},
      {"a child that fails", failing_child},
      {"a grandchild that fails", failing_grandchild},
      {"several errors at once", several_errors},
      {"errors in a clean-up", errors_in_clean_up},
      {"a child that awaits a failing one", awaits_failing_sibling},
      {"a start() that fails", start_that_fails},
      {"a start() that never says so", start_that_never_says_so},
      {"a start() that is abandoned", start_that_is_abandoned},
      {"a child that fails after its start()", fails_after_start},
      {"a Nursery that another task awaits", object_awaited_by_another},
      {"a Nursery that ends with children", object_that_ends},
      {"a child in a foreign nursery", foreign_nursery},
      {"children that spawn beside themselves", relay},
      {"children spawned during a cancel", spawns_when_cancelled},
      {"a family in a shield in a limit", shielded_family},
      {"a family with a limit", family_with_limit},
      {"a family that a child cancels", cancelled_by_child},
      {"a supervisor", supervisor},
      {"a family in a Deferred coroutine", in_a_coroutine},
  };
}

}  // namespace deferred::testing
