// SPDX-License-Identifier: MIT
#include "deferred/io/detail/joined_acceptor.hpp"

#include <system_error>
#include <utility>

#include "deferred/io/detail/operations.hpp"
#include "deferred/io/errors.hpp"

namespace deferred::io::detail {

AnyOf::AnyOf(const std::vector<Listener>& listeners) : Readiness(listeners.front().reactor()) {
  for (const Listener& listener : listeners) {
    sides_.emplace_back(*this, listener.acceptor().readable());
  }
}

void AnyOf::Side::begin() {
  if (!readiness_.waited_for()) wait_for(readiness_);
}

// Who waits here decides whether it is waited for there: behind the report this may be gone.
bool AnyOf::Side::on_ready() noexcept {
  leave();
  any_of_.report();
  return false;
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
  bool one_is_open = false;
  for (std::size_t asked = 0; asked < listeners_.size(); ++asked) {
    Listener& next = listeners_[std::exchange(next_, (next_ + 1) % listeners_.size())];
    if (!next.is_open()) continue;
    one_is_open = true;
    TransportPointer accepted = next.acceptor().try_accept();
    if (accepted) return accepted;
  }
  if (!one_is_open) throw std::system_error(Errc::closed, accepting + local().text());
  return {};
}

void JoinedAcceptor::do_close() noexcept {
  any_of_.ignore();
  for (Listener& listener : listeners_) listener.close();
}

}  // namespace deferred::io::detail
