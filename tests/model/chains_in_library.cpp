// SPDX-License-Identifier: MIT
#include "tests/model/chains_in_library.hpp"

#include <stdexcept>
#include <tuple>
#include <utility>

#include "tests/model/chains_fixture.hpp"
#include "tests/model/chains_steps.hpp"

namespace deferred::model {

namespace {

class ChainsInLibrary : public ChainsFixture {
 public:
  unsigned steps_left = most_steps;

  bool has_promise(unsigned place) const { return p[place].valid(); }
  bool has_deferred(unsigned place) const { return d[place].valid(); }
  bool has_shared(unsigned place) const { return s[place].has_value(); }

  void make(const Step& step) {
    std::tie(p[step.place], d[step.place]) =
        step.has_callable ? make_deferred<int>(
                                [this, &step](Promise<int>& promise) { return ask(promise, step); })
                          : make_deferred<int>();
  }
  void succeed(const Step& step) { d[step.place] = deferred::succeed(step.n); }
  void fail(const Step& step) { d[step.place] = deferred::fail<int>(failure_of(step.n)); }
  void fire(const Step& step) {
    caught(step.id, [&] { p[step.place].callback(step.n); });
  }
  void errback(const Step& step) {
    caught(step.id, [&] { p[step.place].errback(failure_of(step.n)); });
  }
  void add(const Step& step) { put(d[step.place], attach(out(d[step.place]), step)); }
  void chain(const Step& step) { ChainsFixture::chain(step.id, d[step.place], p[step.other]); }
  void pause(const Step& step) { d[step.place].pause(); }
  void unpause(const Step& step) {
    caught(step.id, [&] { d[step.place].unpause(); });
  }
  void pause_by_promise(const Step& step) { p[step.place].pause(); }
  void unpause_by_promise(const Step& step) {
    caught(step.id, [&] { p[step.place].unpause(); });
  }
  void cancel(const Step& step) { d[step.place].cancel(); }
  void abandon(const Step& step) { out(d[step.place]).abandon(); }
  void drop_promise(const Step& step) { drop(p[step.place]); }
  void drop_deferred(const Step& step) { drop(d[step.place]); }
  void take(const Step& step) { ChainsFixture::take(step.id, d[step.place]); }
  void look_at_promise(const Step& step) { look_at(step.id, p[step.place]); }
  void look_at_deferred(const Step& step) { look_at(step.id, d[step.place]); }
  void share(const Step& step) { s[step.place] = out(d[step.place]).share(); }
  void read(const Step& step) { put(d[step.other], attach(*s[step.place], step)); }
  void cancel_shared(const Step& step) { s[step.place]->cancel(); }
  void drop_shared(const Step& step) { drop(s[step.place]); }

 private:
  Cancelling ask(Promise<int>& promise, const Step& step) {
    note("asked", step.id, 0);
    do_steps(*this, step.body);
    if (step.end == End::fires) caught(step.id, [&] { promise.callback(step.n); });
    if (step.end == End::fails) caught(step.id, [&] { promise.errback(failure_of(step.n)); });
    if (step.end == End::error) throw_error(step.n);
    return step.end == End::follows ? Cancelling::answer_follows : Cancelling::now;
  }

  template <class R>
  R give(const Step& step, const Outcome<int>& given) {
    note(step.id, given);
    do_steps(*this, step.body);
    if (step.end == End::error) throw_error(step.n);
    if constexpr (std::is_same_v<R, int>) {
      return number_in(given) + step.n;
    } else if constexpr (std::is_same_v<R, Outcome<int>>) {
      return given;
    } else {
      if (d[step.other].valid()) return out(d[step.other]);
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
};

}  // namespace

Log run_chains_in_library(const ChainsProgram& program) {
  ChainsInLibrary library;
  do_program(library, program);
  return std::move(library.log);
}

}  // namespace deferred::model
