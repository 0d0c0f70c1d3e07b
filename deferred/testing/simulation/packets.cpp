// SPDX-License-Identifier: MIT
// What happens between the two machines of a connection.
#include <algorithm>
#include <chrono>
#include <utility>

#include "deferred/testing/simulation/connection.hpp"
#include "deferred/testing/simulation/machine.hpp"
#include "deferred/testing/simulation/port.hpp"
#include "deferred/testing/simulation/transport.hpp"
#include "deferred/testing/simulation/world.hpp"

namespace deferred::testing::simulation {
namespace {

using namespace std::chrono_literals;
using State = End::State;

// How often a lost packet is sent again before the kernel gives up, and how long it waits each
// time: Linux, tcp_syn_retries, tcp_retries2 and tcp_orphan_retries. In all 127 s for a call, 15.4
// min for data, and 102 s for what a closed socket has left.
constexpr std::uint8_t most_calls = 7;
constexpr std::uint8_t most_tries = 16;
constexpr std::uint8_t most_tries_when_closed = 9;

Duration before_call(std::uint8_t tries) noexcept { return Duration(1s) * (1 << tries); }
Duration before_try(std::uint8_t tries) noexcept {
  return std::min<Duration>(Duration(200ms) * (1 << std::min<int>(tries, 16)), 120s);
}

}  // namespace

TimePoint Connection::now() const noexcept { return world_->events.now(); }

void Connection::post(TimePoint at, unsigned side, What what) {
  world_->events.post(at, *this, {.what = what, .side = static_cast<std::uint8_t>(side)});
}

bool Connection::is_passable() const noexcept {
  return world_->is_passable(link_, machine(client), machine(server), family_);
}

TimePoint Connection::arrival(unsigned from, std::uint32_t bytes) {
  return world_->arrival(link_, machine(from), machine(1 - from), bytes);
}

// In order: each behind the one before, and all of them behind one that was lost.
void Connection::send(unsigned from, What what, std::uint32_t bytes) {
  End& end = ends_[from];
  if (end.lost) return;
  if (!is_passable()) return lose(from);
  end.last_arrival = std::max(arrival(from, bytes), end.last_arrival);
  Happening happening{.what = what, .side = static_cast<std::uint8_t>(1 - from)};
  happening.round = end.round;
  happening.bytes = bytes;
  happening.credit = std::exchange(end.owed, 0) + std::exchange(end.lost_credit, 0);
  world_->events.post(end.last_arrival, *this, happening);
}

void Connection::send_credit(unsigned from) {
  End& end = ends_[from];
  const std::uint32_t credit = std::exchange(end.owed, 0) + std::exchange(end.lost_credit, 0);
  if (!is_passable()) {
    end.lost_credit = credit;
    return send_again_later(from);
  }
  Happening happening{.what = What::credit, .side = static_cast<std::uint8_t>(1 - from)};
  happening.credit = credit;
  world_->events.post(arrival(from, 0), *this, happening);
}

// It is not sent again: who sends it knows nothing of the connection any more. Out of order it may
// overtake what was sent before, which is lost then.
void Connection::send_reset(unsigned from, bool in_order) {
  const State other = ends_[1 - from].state;
  if (other == State::none || other == State::gone || !is_passable()) return;
  TimePoint at = arrival(from, 0);
  if (in_order) at = std::max(at, ends_[from].last_arrival);
  post(at, 1 - from, What::reset);
}

void Connection::lose(unsigned from) {
  End& end = ends_[from];
  if (end.lost || (end.state != State::open && end.state != State::closed)) return;
  end.lost = true;
  end.tries = 0;  // also where room is told again already
  ++end.round;
  send_again_later(from);
}

void Connection::send_again_later(unsigned from) {
  End& end = ends_[from];
  if (end.tries_again) return;
  end.tries = 0;
  post(now() + before_try(0), from, What::send_again);
  end.tries_again = true;
}

void Connection::sends_again(unsigned side) {
  End& end = ends_[side];
  end.tries_again = false;
  if (end.state != State::open && end.state != State::closed) return;
  if (!end.lost && end.lost_credit == 0) return;
  if (!is_passable()) {
    const bool is_closed = end.state == State::closed;
    if (++end.tries == (is_closed ? most_tries_when_closed : most_tries)) return give_up(side);
    post(now() + before_try(end.tries), side, What::send_again);
    end.tries_again = true;
    return;
  }
  const bool was_lost = std::exchange(end.lost, false);
  if (was_lost) {
    std::uint32_t left = end.unarrived;
    if (end.greets && left == 0 && !end.shut) send(side, What::segment);
    while (left != 0) {
      const std::uint32_t bytes = std::min(left, most_in_a_segment);
      send(side, What::segment, bytes);
      left -= bytes;
    }
    if (end.shut && !end.end_arrived) send(side, What::end);
  }
  if (end.lost_credit != 0) send_credit(side);
}

// Whose window stays shut for want of the word that it is open has waited as long.
void Connection::give_up(unsigned side) {
  End& end = ends_[side];
  if (end.lost) {
    fail(side, std::errc::timed_out);
  } else if (ends_[1 - side].credit == 0) {
    fail(1 - side, std::errc::timed_out);
  }
}

void Connection::call() {
  End& end = ends_[client];
  end.state = State::opening;
  end.called_at = now();
  if (!is_passable()) return call_again_later();
  post(arrival(client, 0), server, What::call);
}

void Connection::call_again_later() {
  End& end = ends_[client];
  if (end.tries_again) return;
  const TimePoint at = end.called_at + before_call(end.tries);
  post(std::max(at, now()), client, What::call_again);
  end.tries_again = true;
}

void Connection::calls_again() {
  End& end = ends_[client];
  end.tries_again = false;
  if (end.state != State::opening) return;
  if (++end.tries == most_calls) return fail(client, std::errc::timed_out);
  call();
}

// A second one, for the answer to the first was lost, is answered again.
void Connection::call_arrives() {
  End& end = ends_[server];
  if (!is_passable()) return call_again_later();
  if (end.state == State::none) {
    Port* const port = end.machine->port_at(address(server));
    if (port && port->is_full()) return call_again_later();
    if (port) {
      port_ = Held<Port>(port);
      port->expect();
      end.state = State::opening;
    }
  }
  if (end.state != State::opening) return send_reset(server, false);
  post(arrival(server, 0), client, What::answer);
}

void Connection::answer_arrives() {
  End& end = ends_[client];
  if (!is_passable()) return call_again_later();
  if (end.state == State::gone) return send_reset(client, false);
  if (end.state != State::opening) return;
  end.state = State::open;
  end.tries = 0;
  end.greets = true;
  send(client, What::segment);
  report(client, What::is_writable);
}

void Connection::in_order_arrives(unsigned side, const Happening& happening) {
  End& from = ends_[1 - side];
  End& to = ends_[side];
  if (happening.round != from.round || !is_passable()) {
    from.lost_credit += happening.credit;
    if (happening.round == from.round) lose(1 - side);
    if (from.lost_credit != 0) send_again_later(1 - side);  // all else may have been sent again
    return;
  }
  from.greets = false;
  from.unarrived -= happening.bytes;
  if (happening.what == What::end) from.end_arrived = true;
  to.credit += happening.credit;
  if (to.state == State::opening) opens();
  if (to.state != State::open) {
    const bool is_known = to.state == State::closed && happening.bytes == 0;
    if (!is_known) {
      to.state = State::gone;
      send_reset(side, false);
    }
    return;
  }
  to.arrived += happening.bytes;
  if (happening.what == What::end) to.ended = true;
  if (to.lost_credit != 0) send_credit(side);  // as an acknowledgement tells it
  report(side, What::is_readable);
  if (happening.credit != 0) report(side, What::is_writable);
}

void Connection::opens() {
  Held<Port> port = std::exchange(port_, Held<Port>());
  port->expect_no_more();
  ends_[server].state = port->is_open() ? State::open : State::gone;
  if (port->is_open()) port->put_in_line(*this);
}

void Connection::leave_port() noexcept {
  if (!port_) return;
  port_->expect_no_more();
  port_ = Held<Port>();
}

void Connection::credit_arrives(unsigned side, std::uint32_t credit) {
  if (!is_passable()) {
    ends_[1 - side].lost_credit += credit;
    return send_again_later(1 - side);
  }
  ends_[side].credit += credit;
  report(side, What::is_writable);
}

void Connection::reset_arrives(unsigned side) {
  if (!is_passable()) return;
  const bool refused = side == client && ends_[side].state == State::opening;
  fail(side, refused ? std::errc::connection_refused : std::errc::connection_reset);
}

// What is left of this side, once an error is all that it has to tell. The end that has come stays
// the end, and who writes behind it is told that nobody reads (Linux: tcp_reset()).
bool Connection::end(unsigned side, std::errc error) {
  End& end = ends_[side];
  if (end.state == State::none || end.state == State::gone) return false;
  end.state = State::gone;
  if (side == server) leave_port();
  end.inbox.resize(end.arrived);
  const bool is_reset = error == std::errc::connection_reset;
  end.write_error = end.ended && is_reset ? std::errc::broken_pipe : error;
  if (!end.ended) end.read_error = error;
  return true;
}

void Connection::fail(unsigned side, std::errc error) {
  if (!end(side, error)) return;
  report(side, What::is_readable);
  report(side, What::is_writable);
}

// In a call of the program's, in which nothing is reported.
void Connection::break_off(unsigned side, bool in_order) {
  send_reset(side, in_order);
  const bool is_told = end(side, std::errc::connection_reset) && ends_[side].transport;
  if (!is_told) return;
  tell_later(side, What::is_readable);
  tell_later(side, What::is_writable);
}

void Connection::report(unsigned side, What what) {
  if (SimulatedTransport* const transport = ends_[side].transport) transport->report(what);
}

void Connection::happens(const Happening& happening) {
  const unsigned side = happening.side;
  switch (happening.what) {
    case What::call:
      return call_arrives();
    case What::answer:
      return answer_arrives();
    case What::segment:
    case What::end:
      return in_order_arrives(side, happening);
    case What::credit:
      return credit_arrives(side, happening.credit);
    case What::reset:
      return reset_arrives(side);
    case What::call_again:
      return calls_again();
    case What::send_again:
      return sends_again(side);
    case What::is_readable:
      ends_[side].tells_readable = false;
      return report(side, What::is_readable);
    case What::is_writable:
      ends_[side].tells_writable = false;
      return report(side, What::is_writable);
    case What::has_callers:
    case What::datagram:
    case What::refused:
      break;
  }
}

std::string Connection::text(const Happening& happening) const {
  const End& end = ends_[happening.side];
  const End& other = ends_[1 - happening.side];
  std::string text = other.machine->name() + " > " + end.machine->name();
  if (happening.what >= What::call_again) text = end.machine->name();
  text += " #" + std::to_string(id()) + " " + name_of(happening.what);
  if (happening.bytes != 0) text += " " + std::to_string(happening.bytes);
  if (!is_passable() && happening.what <= What::reset) text += ", lost";
  return text;
}

}  // namespace deferred::testing::simulation
