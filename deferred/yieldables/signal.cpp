// SPDX-License-Identifier: MIT
#include "deferred/yieldables/signal.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <utility>

namespace deferred {

Signal::Signal(Reactor& reactor, std::initializer_list<int> any_of)
    : state_(std::make_unique<State>()) {
  const std::set<int> each(any_of);
  state_->come.reserve(each.size());  // so that a signal that comes can be kept
  watches_.reserve(each.size());
  for (const int signal : each) {
    watches_.push_back(
        reactor.on_signal(signal, [state = state_.get(), signal] { state->arrive(signal); }));
  }
}

void Signal::yield_to(Waiter<int> waiter) const {
  if (!state_) throw std::logic_error("Signal: it was moved from, and waits for nothing");
  std::vector<int>& come = state_->come;
  std::vector<Waiter<int>>& waiters = state_->waiters;
  std::erase_if(waiters, [](const Waiter<int>& each) { return !each.pending(); });
  if (come.empty()) return waiters.push_back(std::move(waiter));
  waiter.resume(come.front());
  come.erase(come.begin());
}

void Signal::State::arrive(int signal) {
  bool taken = false;
  for (const Waiter<int>& waiter : std::exchange(waiters, {})) taken |= waiter.resume(signal);
  if (taken) return;
  const auto at = std::lower_bound(come.begin(), come.end(), signal);
  if (at == come.end() || *at != signal) come.insert(at, signal);
}

}  // namespace deferred
