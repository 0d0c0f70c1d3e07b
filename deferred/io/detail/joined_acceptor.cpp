// SPDX-License-Identifier: MIT
#include "deferred/io/detail/joined_acceptor.hpp"

#include <utility>

namespace deferred::io::detail {

AnyOf::AnyOf(const std::vector<Listener>& listeners) : Readiness(listeners.front().reactor()) {
  for (const Listener& listener : listeners) {
    sides_.emplace_back(*this, listener.acceptor().readable());
  }
}

void AnyOf::Side::begin() {
  if (!readiness_.waited_for()) wait_for(readiness_);
}

void AnyOf::arm() {
  for (Side& side : sides_) side.begin();
}

void AnyOf::disarm() noexcept {
  for (Side& side : sides_) side.leave();
}

JoinedAcceptor::JoinedAcceptor(std::vector<Listener> listeners)
    : Acceptor(listeners.front().reactor(), any_of_),
      listeners_(std::move(listeners)),
      any_of_(listeners_) {}

TransportPointer JoinedAcceptor::try_accept() {
  for (std::size_t asked = 0; asked < listeners_.size(); ++asked) {
    const std::size_t now = std::exchange(next_, (next_ + 1) % listeners_.size());
    TransportPointer accepted = listeners_[now].acceptor().try_accept();
    if (accepted) return accepted;
  }
  return {};
}

void JoinedAcceptor::do_close() noexcept {
  any_of_.ignore();
  for (Listener& listener : listeners_) listener.close();
}

}  // namespace deferred::io::detail
