// SPDX-License-Identifier: MIT
#include "deferred/io/listener.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "deferred/io/detail/operations.hpp"
#include "deferred/io/errors.hpp"
#include "deferred/reactor/delayed_call.hpp"
#include "deferred/yieldables/cancel_point.hpp"
#include "deferred/yieldables/pause.hpp"

namespace deferred::io {
namespace {

using namespace std::chrono_literals;
using detail::accepting;

constexpr Duration first_rest = 5ms;
constexpr Duration longest_rest = 80ms;

Failure closed(const Acceptor& acceptor) noexcept {
  try {
    return Failure(std::system_error(Errc::closed, accepting + acceptor.local().text()));
  } catch (...) {  // out of memory for that
    return Failure::current();
  }
}

}  // namespace

namespace detail {

/// `co_await AcceptorRest(readiness, 5ms)`: goes on after that time; its end() cuts it short.
class AcceptorRest {
 public:
  AcceptorRest(Readiness& readiness, Duration delay) noexcept
      : readiness_(&readiness), delay_(delay) {}

  class Resting final : public Readiness::Observer {
   public:
    Resting(Readiness& readiness, Waiter<void> waiter, Duration delay)
        : waiter_(std::move(waiter)) {
      readiness.require_same(waiter_.reactor());
      readiness.ignore();
      timer_ = schedule(waiter_, delay);
      take_place(readiness);
    }

   private:
    bool on_ready() noexcept override {  // of before it was ignored
      leave();
      waiter_.resume();
      return false;
    }
    void on_end(Failure why) noexcept override { waiter_.throw_(std::move(why)); }

    Waiter<void> waiter_;
    DelayedCall timer_;
  };
  Resting yield_to(Waiter<void> waiter) const {
    return Resting(*readiness_, std::move(waiter), delay_);
  }

 private:
  Readiness* readiness_;
  Duration delay_;
};

}  // namespace detail

Acceptor::Claim::Claim(Acceptor& acceptor) : acceptor_(acceptor) {
  if (!acceptor.open_) throw std::system_error(Errc::closed, accepting + acceptor.local().text());
  if (acceptor.accepting_) {
    throw std::system_error(Errc::busy, accepting + acceptor.local().text());
  }
  acceptor.accepting_ = true;
}

void Acceptor::close() noexcept {
  if (!std::exchange(open_, false)) return;
  const AcceptorPointer alive(this);  // who is told may drop it
  if (readable_.waited_for()) readable_.end(closed(*this));
  do_close();
}

Listener& Listener::operator=(Listener&& other) noexcept {
  Listener old(std::move(other));
  std::swap(acceptor_, old.acceptor_);
  return *this;
}

Task<Stream> Listener::accept() { return accept_from(acceptor_); }

Task<Stream> Listener::accept_from(AcceptorPointer acceptor) {
  co_await cancel_point;
  // What would fail at once rests a turn before it does: a loop that only reports the error keeps
  // nobody from his turns.
  const bool can_begin = acceptor && acceptor->open_ && !acceptor->accepting_;
  if (!can_begin) co_await Pause{};
  if (!acceptor) throw std::system_error(Errc::closed, "accept on a listener that was moved from");
  const Acceptor::Claim claim(*acceptor);
  while (true) {
    if (acceptor->must_rest_) {
      co_await detail::AcceptorRest(acceptor->readable_, acceptor->rest_);
      acceptor->must_rest_ = false;
    }
    if (++acceptor->without_wait_ >= 64) {
      acceptor->without_wait_ = 0;
      co_await Pause{};
    }
    if (!acceptor->open_) Failure(closed(*acceptor)).raise();
    co_await cancel_point;  // after a rest or a wait: who was cut meanwhile has accepted nothing
    try {
      TransportPointer accepted = acceptor->try_accept();
      if (accepted) {
        acceptor->rest_ = Duration::zero();
        co_return Stream(std::move(accepted));
      }
    } catch (const std::exception&) {  // out of descriptors, or of memory
      acceptor->rest_ = std::clamp(2 * acceptor->rest_, first_rest, longest_rest);
      acceptor->must_rest_ = true;
      throw;
    }
    acceptor->without_wait_ = 0;
    co_await acceptor->readable_.wait();
  }
}

void Listener::close() noexcept {
  if (acceptor_) acceptor_->close();
}
std::string Listener::local() const {
  return acceptor_ ? acceptor_->local().text() : std::string();
}
std::uint16_t Listener::port() const { return acceptor_ ? acceptor_->local().port() : 0; }
Acceptor& Listener::acceptor() const {
  if (!acceptor_) {
    throw std::system_error(Errc::closed, "Listener::acceptor(): it was moved from");
  }
  return *acceptor_;
}
Reactor& Listener::reactor() const {
  if (!acceptor_) throw std::system_error(Errc::closed, "Listener::reactor(): it was moved from");
  return acceptor_->reactor();
}

}  // namespace deferred::io
