// SPDX-License-Identifier: MIT
//
// A model of Deferreds: what docs/twisted.md and the comments of deferred/results/ promise, said as
// plainly as it can be, with lists, flags and calls in calls. It uses nothing of the library, and
// is in no hurry. Values and errors are numbers. Next: shared_model.hpp.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "tests/model/log.hpp"

namespace deferred::model::plain {

struct Error {
  int number;
  bool reported = false;  // once, in however many results it lies
};
struct Result {
  int value = 0;
  std::shared_ptr<Error> error;  // null: it is the value
  int number() const { return error ? error->number : value; }
};
inline Result value_of(int value) { return {value, nullptr}; }
inline Result error_of(int number) { return {0, std::make_shared<Error>(Error{number})}; }

struct Chain;
struct Shared {
  Chain* source = nullptr;
  std::optional<Result> result;
  std::vector<Chain*> readers;
  int kept_by = 0;
  bool was_read = false;
};

/// What a callback gives: a result, or a chain to wait for.
struct Given {
  Result result;
  Chain* chain = nullptr;
};
struct Link {
  std::function<bool(const Result&)> takes;
  std::function<Given(const Result&)> callback;
  Shared* keeps = nullptr;  // until it has run
};
/// What a canceller answers, if it has not fired the Promise: that it is over, that an answer
/// follows, or an error that it throws.
struct Answer {
  bool follows = false;
  std::optional<Result> thrown;
};

struct Chain {
  std::vector<Link> links;
  Result result;
  bool fired = false;
  bool running = false;  // one of its callbacks is
  bool settled = false;  // its result was taken, given on, or reported
  int pauses = 0;
  bool has_promise = false;  // somebody holds that end
  bool has_deferred = true;
  Chain* waits_for = nullptr;     // what its callback has returned
  Chain* gives_to = nullptr;      // the one that waits for it,
  bool gives_by_promise = false;  // or whose Promise it fires
  std::function<Answer()> canceller;
  bool being_cancelled = false;
  bool takes_late_answer = false;
  bool silent = false;       // it was abandoned
  Shared* shared = nullptr;  // its readers go on with its result
  bool ready = false;        // its result was there when it was made, and nobody has paused it

  bool held() const { return !fired || running || waits_for || pauses != 0; }
  bool has_result() const { return !held() && links.empty(); }
  /// Who goes on with its result: nobody, if who is to be fired with it was cancelled meanwhile.
  Chain* reader() const {
    return gives_to && gives_by_promise && gives_to->fired ? nullptr : gives_to;
  }
  bool wanted() const {
    const Chain* at = this;
    while (at && !at->has_deferred && at->links.empty()) at = at->reader();
    return !fired && at;
  }
};

class ChainsModel {
 public:
  std::function<void(int)> on_report;
  /// A Deferred waits for itself through a SharedDeferred, which nobody finds.
  bool waits_for_ever = false;
  enum class Chained { yes, fired_already, circular };

  Chain& make() {
    chains_.emplace_back().has_promise = true;
    return chains_.back();
  }
  Chain& make_fired(Result result) {
    Chain& chain = chains_.emplace_back();
    chain.ready = true;
    go_on(chain, std::move(result));
    return chain;
  }
  /// False: it was fired already.
  bool fire(Chain& chain, Result result) {
    if (chain.fired) return std::exchange(chain.takes_late_answer, false);
    go_on(chain, std::move(result));
    return true;
  }
  void go_on(Chain& chain, Result result) {
    chain.fired = true;
    chain.result = std::move(result);
    run(chain);
  }
  /// The one that goes on from there.
  Chain& add(Chain& chain, Link link) {
    if (chain.ready) return add_to_result(chain, link);
    chain.links.push_back(std::move(link));
    run(chain);
    return chain;
  }
  /// It has nothing to wait with: it becomes the one that the callback returns.
  Chain& add_to_result(Chain& chain, const Link& link) {
    Chain* rest = &chain;
    if (link.takes(chain.result)) {
      const Given given = link.callback(chain.result);
      chain.result = given.result;
      if (given.chain) rest = given.chain;
    }
    if (link.keeps) let_go(*link.keeps);
    return *rest;
  }
  void run(Chain& chain) {
    while (!chain.held() && !chain.links.empty()) {
      const Link link = chain.links.front();
      chain.links.erase(chain.links.begin());
      chain.running = true;
      if (link.takes(chain.result)) {
        const Given given = link.callback(chain.result);
        chain.result = given.result;
        if (given.chain) wait(chain, *given.chain);
      }
      if (link.keeps) let_go(*link.keeps);
      chain.running = false;
      step_aside(chain);
    }
    if (!chain.has_result() || chain.settled) return;
    if (chain.gives_to) {
      give(chain, *std::exchange(chain.gives_to, nullptr));
    } else if (!chain.has_deferred) {
      settle(chain);
    }
  }
  void wait(Chain& chain, Chain& inner) {
    const bool is_circle = waits_on(inner, chain);
    if (inner.has_result()) {
      chain.result = inner.result;
      take(inner);
    } else if (is_circle) {
      chain.result = error_of(circular);
      drop_deferred(inner);
    } else {
      give_on(inner, chain, false);
    }
  }
  void give_on(Chain& chain, Chain& next, bool by_promise) {
    chain.gives_to = &next;
    chain.gives_by_promise = by_promise;
    if (!by_promise) next.waits_for = &chain;
    if (by_promise) end_of_promise(next);
    step_aside(chain);
    drop_deferred(chain);
  }
  /// One that only waits, and is not paused, becomes what it waits for: Promise::pause() promises
  /// that what a chain that stepped aside has become is not held.
  void step_aside(Chain& chain) {
    if (!chain.waits_for || !chain.gives_to || !chain.links.empty() || chain.pauses != 0) return;
    Chain& inner = *std::exchange(chain.waits_for, nullptr);
    inner.gives_to = std::exchange(chain.gives_to, nullptr);
    inner.gives_by_promise = chain.gives_by_promise;
    if (!inner.gives_by_promise) inner.gives_to->waits_for = &inner;
    chain.settled = true;
  }
  void give(Chain& chain, Chain& next) {
    if (!chain.gives_by_promise) {
      next.waits_for = nullptr;
      next.result = chain.result;
      chain.settled = true;
      return run(next);
    }
    if (next.fired) {  // it was cancelled meanwhile
      chain.silent = chain.silent || std::exchange(next.takes_late_answer, false);
      settle(chain);
      return run(next);
    }
    chain.settled = true;
    go_on(next, chain.result);
  }
  Chained chain(Chain& from, Chain& to) {
    if (to.fired) {
      const bool late = std::exchange(to.takes_late_answer, false);
      from.silent = from.silent || late;
      if (late) drop_deferred(from);
      drop_promise(to);
      return late ? Chained::yes : Chained::fired_already;
    }
    if (waits_on(from, to)) {
      drop_promise(to);
      return Chained::circular;
    }
    give_on(from, to, true);
    return Chained::yes;
  }
  /// The result of `other` comes to `chain`, in the end, and not through a SharedDeferred.
  bool waits_on(const Chain& chain, const Chain& other) {
    for (const Chain* at = &other; at; at = at->reader()) {
      if (at == &chain) return true;
    }
    if (!waits_for_ever) waits_for_ever = comes_to(other, chain);
    return false;
  }
  /// Or through one.
  static bool comes_to(const Chain& from, const Chain& chain) {
    if (&from == &chain) return true;
    if (from.shared && !from.shared->result) {
      for (const Chain* const reader : from.shared->readers) {
        if (comes_to(*reader, chain)) return true;
      }
    }
    return from.reader() && comes_to(*from.reader(), chain);
  }
  void pause(Chain& chain) {
    chain.ready = false;
    ++chain.pauses;
  }
  bool unpause(Chain& chain) {
    chain.ready = false;
    if (chain.pauses == 0) return false;
    --chain.pauses;
    run(chain);
    return true;
  }
  void end_of_promise(Chain& chain) {
    chain.has_promise = false;
    nobody_unpauses(chain);
  }
  void nobody_unpauses(Chain& chain) {
    if (chain.has_promise || chain.has_deferred || chain.pauses == 0) return;
    chain.pauses = 0;
  }
  void cancel(Chain& outer) {
    Chain* innermost = &outer;
    while (innermost->waits_for) innermost = innermost->waits_for;
    Chain& chain = *innermost;
    if (chain.fired || chain.being_cancelled) return;
    Answer answer;
    chain.being_cancelled = true;
    chain.takes_late_answer = !chain.canceller;
    if (chain.canceller) answer = chain.canceller();
    if (answer.thrown) chain.fired ? report(*answer.thrown->error) : go_on(chain, *answer.thrown);
    chain.being_cancelled = false;
    if (!chain.fired && !answer.follows) go_on(chain, error_of(cancelled));
  }
  void abandon(Chain& chain) {
    cancel(chain);
    chain.silent = true;
    drop_deferred(chain);
  }
  void drop_promise(Chain& chain) {
    end_of_promise(chain);
    if (!chain.fired) go_on(chain, error_of(chain.being_cancelled ? cancelled : abandoned));
    run(chain);
  }
  void drop_deferred(Chain& chain) {
    chain.has_deferred = false;
    nobody_unpauses(chain);
    run(chain);
  }
  /// Its result is somebody's now.
  void take(Chain& chain) {
    chain.settled = true;
    drop_deferred(chain);
  }
  void settle(Chain& chain) {
    chain.settled = true;
    if (chain.result.error && !chain.silent) report(*chain.result.error);
  }
  void report(Error& error) {
    if (error.number != cancelled && !std::exchange(error.reported, true)) on_report(error.number);
  }

 protected:
  ~ChainsModel() = default;
  virtual void let_go(Shared& shared) = 0;

  std::deque<Chain> chains_;
};
}  // namespace deferred::model::plain
