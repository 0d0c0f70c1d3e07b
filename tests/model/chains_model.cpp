// SPDX-License-Identifier: MIT
#include "tests/model/chains_model.hpp"

#include <utility>

#include "tests/model/log.hpp"

namespace deferred::model {

Chain& ChainsModel::make() {
  Chain& chain = chains_.emplace_back();
  chain.has_promise = true;
  return chain;
}
Chain& ChainsModel::make_fired(Result result) {
  Chain& chain = chains_.emplace_back();
  chain.ready = true;
  go_on(chain, std::move(result));
  return chain;
}

bool ChainsModel::fire(Chain& chain, Result result) {
  if (chain.fired) return std::exchange(chain.takes_late_answer, false);
  go_on(chain, std::move(result));
  return true;
}
void ChainsModel::go_on(Chain& chain, Result result) {
  chain.fired = true;
  chain.result = std::move(result);
  run(chain);
}

void ChainsModel::add(Chain& chain, Link link) {
  chain.links.push_back(std::move(link));
  run(chain);
}
void ChainsModel::run(Chain& chain) {
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

void ChainsModel::wait(Chain& chain, Chain& inner) {
  if (chain.ready && !inner.ready) {
    // A fault of the library: the Deferred of a result that was there becomes the one that its
    // callback returns, fired or not, and so a pause of either is one of both.
    chain.ready = false;
    chain.is_two = inner.is_two = true;
    meets_fault = meets_fault || inner.pauses != 0;
  }
  const bool is_circle = waits_on(inner, chain);
  if (inner.has_result()) {
    chain.result = inner.result;
    inner.settled = true;
    drop_deferred(inner);
  } else if (is_circle) {
    chain.result = error_of(circular);
    drop_deferred(inner);
  } else {
    inner.is_two = inner.is_two || chain.is_two;
    give_on(inner, chain, false);
  }
}
void ChainsModel::give_on(Chain& chain, Chain& next, bool by_promise) {
  chain.gives_to = &next;
  chain.gives_by_promise = by_promise;
  if (!by_promise) next.waits_for = &chain;
  step_aside(chain);
  drop_deferred(chain);
}
/// One that only waits gives way to what it waits for.
void ChainsModel::step_aside(Chain& chain) {
  if (!chain.waits_for || !chain.gives_to || !chain.links.empty() || chain.pauses != 0) return;
  Chain& inner = *std::exchange(chain.waits_for, nullptr);
  inner.gives_to = std::exchange(chain.gives_to, nullptr);
  inner.gives_by_promise = chain.gives_by_promise;
  if (!inner.gives_by_promise) inner.gives_to->waits_for = &inner;
  chain.settled = true;
}
void ChainsModel::give(Chain& chain, Chain& next) {
  if (!chain.gives_by_promise) {
    next.waits_for = nullptr;
    next.result = chain.result;
    chain.settled = true;
    return run(next);
  }
  next.has_promise = false;
  nobody_unpauses(next);
  if (next.fired) {  // it was cancelled meanwhile
    chain.silent = chain.silent || std::exchange(next.takes_late_answer, false);
    settle(chain);
    return run(next);
  }
  chain.settled = true;
  go_on(next, chain.result);
}

ChainsModel::Chained ChainsModel::chain(Chain& from, Chain& to) {
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
/// The result of `other` comes to `chain`, in the end.
bool ChainsModel::waits_on(const Chain& chain, const Chain& other) {
  const bool waits = comes_to(other, chain);
  // Faults of the library: it finds a circle also where a Promise in it was fired by a cancel, and
  // none through a SharedDeferred.
  const Chain* way = &other;
  for (std::size_t most = chains_.size(); way && way != &chain && most != 0; --most) {
    if (way->is_two && chain.is_two) break;
    way = way->gives_to;
  }
  meets_fault = meets_fault || waits != (way != nullptr);
  return waits;
}
bool ChainsModel::comes_to(const Chain& from, const Chain& chain) {
  if (&from == &chain) return true;
  if (from.shared && !from.shared->result) {
    for (const Chain* const reader : from.shared->readers) {
      if (comes_to(*reader, chain)) return true;
    }
  }
  return from.reader() && comes_to(*from.reader(), chain);
}

void ChainsModel::pause(Chain& chain) {
  meets_fault = meets_fault || chain.is_two;
  chain.ready = false;
  ++chain.pauses;
}
bool ChainsModel::unpause(Chain& chain) {
  meets_fault = meets_fault || chain.is_two;
  chain.ready = false;
  if (chain.pauses == 0) return false;
  --chain.pauses;
  run(chain);
  return true;
}
void ChainsModel::nobody_unpauses(Chain& chain) {
  if (chain.has_promise || chain.has_deferred || chain.pauses == 0) return;
  meets_fault = meets_fault || chain.shared;  // the library leaves it paused, and leaks it
  chain.pauses = 0;
}

void ChainsModel::cancel(Chain& outer) {
  Chain* innermost = &outer;
  while (innermost->waits_for) innermost = innermost->waits_for;
  Chain& chain = *innermost;
  if (chain.fired || chain.being_cancelled) return;
  Answer answer;
  chain.being_cancelled = true;
  chain.takes_late_answer = !chain.canceller;
  if (chain.canceller) answer = chain.canceller();
  if (answer.thrown && !chain.fired)
    go_on(chain, *answer.thrown);
  else if (answer.thrown)
    report(*answer.thrown->error);
  chain.being_cancelled = false;
  if (!chain.fired && !answer.follows) go_on(chain, error_of(cancelled));
}
void ChainsModel::abandon(Chain& chain) {
  cancel(chain);
  chain.silent = true;
  drop_deferred(chain);
}
void ChainsModel::drop_promise(Chain& chain) {
  chain.has_promise = false;
  nobody_unpauses(chain);
  if (!chain.fired) go_on(chain, error_of(chain.being_cancelled ? cancelled : abandoned));
  run(chain);
}
void ChainsModel::drop_deferred(Chain& chain) {
  chain.has_deferred = false;
  nobody_unpauses(chain);
  run(chain);
}
void ChainsModel::take(Chain& chain) {
  chain.settled = true;
  drop_deferred(chain);
}
bool Chain::wanted() const {
  const Chain* at = this;
  while (at && !at->has_deferred && at->links.empty()) at = at->reader();
  return !fired && at;
}

void ChainsModel::settle(Chain& chain) {
  chain.settled = true;
  if (chain.result.error && !chain.silent) report(*chain.result.error);
}
void ChainsModel::report(Error& error) {
  if (error.number != cancelled && !std::exchange(error.reported, true)) on_report(error.number);
}

Shared& ChainsModel::share(Chain& chain) {
  Shared& shared = shared_.emplace_back();
  shared.source = &chain;
  shared.kept_by = 2;  // the handle, and the link that settles it
  const auto settles = [this, &shared](const Result& result) {
    settle(shared, result);
    return Given{value_of(0)};
  };
  chain.shared = &shared;
  add(chain, {[](const Result&) { return true; }, settles, &shared});
  drop_deferred(chain);
  return shared;
}
void ChainsModel::settle(Shared& shared, const Result& result) {
  shared.result = result;
  while (!shared.readers.empty()) {
    shared.was_read = true;
    Chain& reader = *shared.readers.front();
    shared.readers.erase(shared.readers.begin());
    go_on(reader, *shared.result);
    drop_promise(reader);
  }
}
Chain& ChainsModel::read(Shared& shared, Link link) {
  ++shared.kept_by;
  link.keeps = &shared;
  if (shared.result) {
    shared.was_read = true;
    Chain& reader = make_fired(*shared.result);
    add(reader, std::move(link));
    return reader;
  }
  Chain& reader = make();
  reader.canceller = [this, &shared, &reader] {
    std::erase(shared.readers, &reader);
    drop_promise(reader);
    return Answer();
  };
  shared.readers.push_back(&reader);
  add(reader, std::move(link));
  return reader;
}
void ChainsModel::let_go(Shared& shared) {
  if (--shared.kept_by != 0 || !shared.result->error || shared.was_read) return;
  report(*shared.result->error);
}

}  // namespace deferred::model
