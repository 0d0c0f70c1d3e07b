// SPDX-License-Identifier: MIT
#include "tests/model/chains_in_library.hpp"

#include <array>
#include <optional>
#include <stdexcept>
#include <utility>

#include "deferred/results.hpp"
#include "tests/model/chains_steps.hpp"
#include "tests/model/errors.hpp"

namespace deferred::model {

namespace {

class ChainsInLibrary {
 public:
  ChainsInLibrary() noexcept : before_(set_unhandled_failure_hook(&reported)) { current_ = this; }
  ChainsInLibrary(const ChainsInLibrary&) = delete;
  ChainsInLibrary& operator=(const ChainsInLibrary&) = delete;
  ~ChainsInLibrary() { set_unhandled_failure_hook(before_); }

  Log log;
  unsigned steps_left = most_steps;

  bool has_promise(unsigned place) const { return promises_[place].valid(); }
  bool has_deferred(unsigned place) const { return deferreds_[place].valid(); }
  bool has_shared(unsigned place) const { return shareds_[place].has_value(); }

  void make(const Step& step) {
    auto ends = step.has_callable
                    ? make_deferred<int>([this, &step](Promise<int>& p) { return ask(p, step); })
                    : make_deferred<int>();
    promises_[step.place] = std::move(ends.first);
    deferreds_[step.place] = std::move(ends.second);
  }
  void succeed(const Step& step) { deferreds_[step.place] = deferred::succeed(step.n); }
  void fail(const Step& step) { deferreds_[step.place] = deferred::fail<int>(failure_of(step.n)); }
  void fire(const Step& step) {
    caught(step, [&] { promises_[step.place].callback(step.n); });
  }
  void errback(const Step& step) {
    caught(step, [&] { promises_[step.place].errback(failure_of(step.n)); });
  }
  void add(const Step& step) { put(step.place, attach(take_out(step.place), step)); }
  void chain(const Step& step) {
    Deferred<int> from = take_out(step.place);
    caught(step, [&] { std::move(from).chain(std::move(promises_[step.other])); });
    if (from.valid()) put(step.place, std::move(from));  // NOLINT: chain() did not take it
  }
  void pause(const Step& step) { deferreds_[step.place].pause(); }
  void unpause(const Step& step) {
    caught(step, [&] { deferreds_[step.place].unpause(); });
  }
  void pause_by_promise(const Step& step) { promises_[step.place].pause(); }
  void unpause_by_promise(const Step& step) {
    caught(step, [&] { promises_[step.place].unpause(); });
  }
  void cancel(const Step& step) { deferreds_[step.place].cancel(); }
  void abandon(const Step& step) { take_out(step.place).abandon(); }
  void drop_promise(const Step& step) {
    const Promise<int> gone = std::move(promises_[step.place]);
  }
  void drop_deferred(const Step& step) { const Deferred<int> gone = take_out(step.place); }
  void take(const Step& step) {
    caught(step, [&] {
      const Outcome<int> outcome = std::move(deferreds_[step.place]).result();
      say(step, outcome);
      drop_deferred(step);
    });
  }
  void look_at_promise(const Step& step) {
    say("fired", step, promises_[step.place].fired());
    say("wanted", step, promises_[step.place].wanted());
  }
  void look_at_deferred(const Step& step) {
    say("fired", step, deferreds_[step.place].fired());
    say("has result", step, deferreds_[step.place].has_result());
  }
  void share(const Step& step) { shareds_[step.place] = take_out(step.place).share(); }
  void read(const Step& step) { put(step.other, attach(*shareds_[step.place], step)); }
  void cancel_shared(const Step& step) { shareds_[step.place]->cancel(); }
  void drop_shared(const Step& step) {
    const auto gone = std::exchange(shareds_[step.place], std::nullopt);
  }

 private:
  static void reported(const Failure& failure, const std::string&) {
    current_->log.push_back({"reported", 0, number_of(failure)});
  }
  void say(const char* what, const Step& step, int with) { log.push_back({what, step.id, with}); }
  void say(const Step& step, const Outcome<int>& outcome) {
    outcome.has_value() ? say("value", step, *outcome)
                        : say("error", step, number_of(outcome.failure()));
  }
  /// Nothing is left to a step that the library refuses.
  template <class F>
  void caught(const Step& step, F f) {
    try {
      f();
    } catch (const AlreadyCalledError&) {
      say("fired already", step, 0);
    } catch (const CircularChainError&) {
      say("circular", step, 0);
    } catch (const NotPausedError&) {
      say("not paused", step, 0);
    } catch (const std::logic_error&) {
      say("no result", step, 0);
    }
  }
  Deferred<int> take_out(unsigned place) { return std::move(deferreds_[place]); }
  void put(unsigned place, Deferred<int> deferred) {
    if (!deferreds_[place].valid()) deferreds_[place] = std::move(deferred);
  }

  Cancelling ask(Promise<int>& promise, const Step& step) {
    say("asked", step, 0);
    do_steps(*this, step.body);
    if (step.end == End::fires) caught(step, [&] { promise.callback(step.n); });
    if (step.end == End::fails) caught(step, [&] { promise.errback(failure_of(step.n)); });
    if (step.end == End::error) throw_error(step.n);
    return step.end == End::follows ? Cancelling::answer_follows : Cancelling::now;
  }

  template <class R>
  R give(const Step& step, const Outcome<int>& given) {
    say(step, given);
    do_steps(*this, step.body);
    if (step.end == End::error) throw_error(step.n);
    if constexpr (std::is_same_v<R, int>) {
      return step.n + (given.has_value() ? *given : number_of(given.failure()));
    } else if constexpr (std::is_same_v<R, Outcome<int>>) {
      return given;
    } else {
      if (deferreds_[step.other].valid()) return take_out(step.other);
      return deferred::succeed(step.n);
    }
  }
  template <class R, class D>
  Deferred<int> attach_to(D&& from, const Step& step) {
    const auto value = [this, &step](const int& n) { return give<R>(step, n); };
    const auto error = [this, &step](const Failure& f) { return give<R>(step, f); };
    const auto both = [this, &step](const Outcome<int>& o) { return give<R>(step, o); };
    if (step.side == Side::value) return std::forward<D>(from).add_callback(value);
    if (step.side == Side::both) return std::forward<D>(from).add_both(both);
    if (step.side == Side::either) return std::forward<D>(from).add_callbacks(value, error);
    if constexpr (std::is_same_v<std::decay_t<D>, Deferred<int>>) {
      const auto odd = [this, &step](const OddError& e) { return give<R>(step, Failure(e)); };
      const auto cut = [this, &step](const Cancelled& e) { return give<R>(step, Failure(e)); };
      if (step.side == Side::odd_error) return std::forward<D>(from).add_errback(odd);
      if (step.side == Side::cancelled) return std::forward<D>(from).add_errback(cut);
      return std::forward<D>(from).add_errback(error);
    } else {
      throw std::logic_error("a reader's errback gives no value");
    }
  }
  template <class D>
  Deferred<int> attach(D&& from, const Step& step) {
    if (step.end == End::pass) return attach_to<Outcome<int>>(std::forward<D>(from), step);
    if (step.end == End::waits) return attach_to<Deferred<int>>(std::forward<D>(from), step);
    return attach_to<int>(std::forward<D>(from), step);
  }

  inline static ChainsInLibrary* current_ = nullptr;
  UnhandledFailureHook before_;
  std::array<Promise<int>, places> promises_;
  std::array<Deferred<int>, places> deferreds_;
  std::array<std::optional<SharedDeferred<int>>, places> shareds_;
};

}  // namespace

Log run_chains_in_library(const ChainsProgram& program) {
  ChainsInLibrary library;
  do_program(library, program);
  return std::move(library.log);
}

}  // namespace deferred::model
