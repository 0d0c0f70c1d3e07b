// SPDX-License-Identifier: MIT
#include "tests/model/chains_in_model.hpp"

#include <array>
#include <utility>

#include "tests/model/chains_steps.hpp"
#include "tests/model/shared_model.hpp"

namespace deferred::model {

namespace plain {

class ChainsInModel {
 public:
  ChainsInModel() {
    model_.on_report = [this](int number) { log.push_back({"reported", 0, number}); };
  }

  Log log;
  unsigned steps_left = most_steps;
  bool waits_for_ever() const { return model_.waits_for_ever; }

  bool has_promise(unsigned place) const { return promises_[place]; }
  bool has_deferred(unsigned place) const { return deferreds_[place]; }
  bool has_shared(unsigned place) const { return shareds_[place]; }

  void make(const Step& step) {
    Chain& chain = model_.make();
    if (step.has_callable) chain.canceller = [this, &chain, &step] { return ask(chain, step); };
    promises_[step.place] = deferreds_[step.place] = &chain;
  }
  void succeed(const Step& step) { put(step.place, model_.make_fired(value_of(step.n))); }
  void fail(const Step& step) { put(step.place, model_.make_fired(error_of(step.n))); }
  void fire(const Step& step) { fire(promise(step), value_of(step.n), step); }
  void errback(const Step& step) { fire(promise(step), error_of(step.n), step); }
  void add(const Step& step) { put(step.place, model_.add(take_out(step.place), link(step))); }
  void chain(const Step& step) {
    Chain& from = take_out(step.place);
    const auto chained = model_.chain(from, *std::exchange(promises_[step.other], nullptr));
    if (chained == SharedModel::Chained::yes) return;
    say(chained == SharedModel::Chained::circular ? "circular" : "fired already", step, 0);
    put(step.place, from);
  }
  void pause(const Step& step) { model_.pause(deferred(step)); }
  void unpause(const Step& step) {
    if (!model_.unpause(deferred(step))) say("not paused", step, 0);
  }
  void pause_by_promise(const Step& step) { model_.pause(promise(step)); }
  void unpause_by_promise(const Step& step) {
    if (!model_.unpause(promise(step))) say("not paused", step, 0);
  }
  void cancel(const Step& step) { model_.cancel(deferred(step)); }
  void abandon(const Step& step) { model_.abandon(take_out(step.place)); }
  void drop_promise(const Step& step) {
    model_.drop_promise(*std::exchange(promises_[step.place], nullptr));
  }
  void drop_deferred(const Step& step) { model_.drop_deferred(take_out(step.place)); }
  void take(const Step& step) {
    if (!deferred(step).has_result()) return say("no result", step, 0);
    say(step, deferred(step).result);
    model_.take(take_out(step.place));
  }
  void look_at_promise(const Step& step) {
    say("fired", step, promise(step).fired);
    say("wanted", step, promise(step).wanted());
  }
  void look_at_deferred(const Step& step) {
    say("fired", step, deferred(step).fired);
    say("has result", step, deferred(step).has_result());
  }
  void share(const Step& step) { shareds_[step.place] = &model_.share(take_out(step.place)); }
  void read(const Step& step) { put(step.other, model_.read(*shareds_[step.place], link(step))); }
  void cancel_shared(const Step& step) { model_.cancel(*shareds_[step.place]->source); }
  void drop_shared(const Step& step) {
    model_.let_go(*std::exchange(shareds_[step.place], nullptr));
  }

 private:
  void say(const char* what, const Step& step, int with) { log.push_back({what, step.id, with}); }
  void say(const Step& step, const Result& result) {
    say(result.error ? "error" : "value", step, result.number());
  }
  Chain& promise(const Step& step) { return *promises_[step.place]; }
  Chain& deferred(const Step& step) { return *deferreds_[step.place]; }
  Chain& take_out(unsigned place) { return *std::exchange(deferreds_[place], nullptr); }
  void put(unsigned place, Chain& chain) {
    if (deferreds_[place]) return model_.drop_deferred(chain);
    deferreds_[place] = &chain;
  }
  void fire(Chain& chain, const Result& result, const Step& step) {
    if (!model_.fire(chain, result)) say("fired already", step, 0);
  }

  Answer ask(Chain& chain, const Step& step) {
    say("asked", step, 0);
    do_steps(*this, step.body);
    if (step.end == End::fires) fire(chain, value_of(step.n), step);
    if (step.end == End::fails) fire(chain, error_of(step.n), step);
    Answer answer;
    answer.follows = step.end == End::follows;
    if (step.end == End::error) answer.thrown = error_of(step.n);
    return answer;
  }
  Link link(const Step& step) {
    return {[&step](const Result& result) { return takes(step.side, result); },
            [this, &step](const Result& result) { return give(step, result); }};
  }
  static bool takes(Side side, const Result& result) {
    const int number = result.number();
    if (side == Side::both || side == Side::either) return true;
    if (!result.error) return side == Side::value;
    return side == Side::error || (side == Side::odd_error && number > 0 && number % 2 == 1) ||
           (side == Side::cancelled && number == cancelled);
  }
  Given give(const Step& step, const Result& given) {
    say(step, given);
    do_steps(*this, step.body);
    if (step.end == End::pass) return {given};
    if (step.end == End::error) return {error_of(step.n)};
    if (step.end == End::value) return {value_of(given.number() + step.n)};
    if (has_deferred(step.other)) return {Result(), &take_out(step.other)};
    return {value_of(step.n)};
  }

  SharedModel model_;
  std::array<Chain*, places> promises_{};
  std::array<Chain*, places> deferreds_{};
  std::array<Shared*, places> shareds_{};
};

}  // namespace plain

std::optional<Log> run_chains_in_model(const ChainsProgram& program) {
  plain::ChainsInModel model;
  do_program(model, program);
  if (model.waits_for_ever()) return std::nullopt;
  return std::move(model.log);
}

}  // namespace deferred::model
