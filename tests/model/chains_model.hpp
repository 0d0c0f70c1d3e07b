// SPDX-License-Identifier: MIT
//
// A model of Deferreds: what docs/twisted.md and the comments of deferred/results/ promise, said as
// plainly as it can be, with lists, flags and calls in calls. It uses nothing of the library, and
// is in no hurry. Values and errors are numbers. Next: chains_in_model.cpp, which runs programs.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace deferred::model {

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
  // For the known faults of the library:
  bool ready = false;   // it has no chain yet,
  bool is_two = false;  // or one with another

  bool held() const { return !fired || running || waits_for || pauses != 0; }
  bool has_result() const { return !held() && links.empty(); }
  /// Who goes on with its result: nobody, if who is to be fired with it was cancelled meanwhile.
  Chain* reader() const {
    return gives_to && gives_by_promise && gives_to->fired ? nullptr : gives_to;
  }
  bool wanted() const;
};

class ChainsModel {
 public:
  std::function<void(int)> on_report;
  bool meets_fault = false;  // known ones of the library: nothing can be said of the program

  Chain& make();
  Chain& make_fired(Result result);
  bool fire(Chain& chain, Result result);  // false: it was fired already
  void add(Chain& chain, Link link);
  enum class Chained { yes, fired_already, circular };
  Chained chain(Chain& from, Chain& to);
  void pause(Chain& chain);
  bool unpause(Chain& chain);  // false: it was not paused
  void cancel(Chain& chain);
  void abandon(Chain& chain);
  void drop_promise(Chain& chain);
  void drop_deferred(Chain& chain);
  void take(Chain& chain);
  Shared& share(Chain& chain);
  Chain& read(Shared& shared, Link link);
  void let_go(Shared& shared);

 private:
  void run(Chain& chain);
  void go_on(Chain& chain, Result result);
  void wait(Chain& chain, Chain& inner);
  void give_on(Chain& chain, Chain& next, bool by_promise);
  void give(Chain& chain, Chain& next);
  void step_aside(Chain& chain);
  static bool comes_to(const Chain& from, const Chain& chain);
  bool waits_on(const Chain& chain, const Chain& other);
  void nobody_unpauses(Chain& chain);
  void settle(Chain& chain);
  void report(Error& error);
  void settle(Shared& shared, const Result& result);

  std::deque<Chain> chains_;
  std::deque<Shared> shared_;
};

}  // namespace deferred::model
