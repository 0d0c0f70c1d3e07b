// SPDX-License-Identifier: MIT
// What programs do with a connection. What happens in between is in packets.cpp.
#include "deferred/testing/simulation/connection.hpp"

#include <algorithm>
#include <utility>

#include "deferred/testing/simulation/machine.hpp"
#include "deferred/testing/simulation/port.hpp"
#include "deferred/testing/simulation/transport.hpp"
#include "deferred/testing/simulation/world.hpp"

namespace deferred::testing::simulation {
namespace {

constexpr std::size_t most_kept = 1024;  // of an empty inbox
constexpr std::size_t least_moved = 16 * 1024;

// Drops what the program has consumed, now and then.
void tidy(End& end) noexcept {
  if (end.consumed == end.inbox.size()) {
    if (end.inbox.capacity() > most_kept) std::string().swap(end.inbox);
    end.inbox.clear();
  } else if (end.consumed > least_moved && end.consumed > end.inbox.size() / 2) {
    end.inbox.erase(0, end.consumed);
  } else {
    return;
  }
  end.arrived -= end.consumed;
  end.consumed = 0;
}

void forget_inbox(End& end) noexcept {
  std::string().swap(end.inbox);
  end.arrived = end.consumed = 0;
}

std::error_code code_of(std::errc error) { return std::make_error_code(error); }

}  // namespace

Connection::Connection(World& world, Machine& from, Machine& to, const io::Address& at)
    : Party(world.next_id()),
      world_(&world),
      link_(world.links.between(from.number(), to.number())),
      family_(at.family()),
      loopback_(at.is_loopback()) {
  const bool is_unix = family_ == io::Address::Family::unix_domain;
  if (is_unix) path_ = at.host();
  ends_[client].machine = &from;
  ends_[client].port = is_unix ? 0 : from.next_free_port();
  ends_[server].machine = &to;
  ends_[server].port = at.port();
  for (End& end : ends_) end.credit = window;
  world.add(*this);
}

Connection::~Connection() {
  leave_port();
  world_->remove(*this);
}

void Connection::attach(unsigned side, SimulatedTransport& transport) noexcept {
  ends_[side].transport = &transport;
}

bool Connection::has_unread(unsigned side) const noexcept {
  return ends_[side].arrived != ends_[side].consumed;
}
bool Connection::is_readable(unsigned side) const noexcept {
  const End& end = ends_[side];
  return has_unread(side) || end.ended || end.read_error != std::errc();
}
bool Connection::is_writable(unsigned side) const noexcept {
  const End& end = ends_[side];
  if (end.state == End::State::opening) return false;
  return end.credit != 0 || end.shut || end.write_error != std::errc();
}

std::optional<std::size_t> Connection::read(unsigned side, std::span<char> into) {
  End& end = ends_[side];
  if (!has_unread(side)) {
    if (end.ended) return 0;
    if (end.read_error != std::errc()) {
      throw std::system_error(code_of(end.read_error), "read from " + peer(side));
    }
    return std::nullopt;
  }
  const Faults& faults = world().faults;
  if (world().blocks()) return std::nullopt;
  std::size_t size = std::min(into.size(), end.arrived - end.consumed);
  if (faults.reads_short) size = short_of(size);
  end.inbox.copy(into.data(), size, end.consumed);
  end.consumed += size;
  end.owed += static_cast<std::uint32_t>(size);
  tidy(end);
  // In lumps: a word for each byte that is read makes the other side send by the byte.
  if (end.owed >= window / 4) send_credit(side);
  return size;
}

std::optional<std::size_t> Connection::write(unsigned side, std::string_view data) {
  End& end = ends_[side];
  const std::errc error = end.shut ? std::errc::broken_pipe : end.write_error;
  if (error != std::errc()) throw std::system_error(code_of(error), "write to " + peer(side));
  if (end.credit == 0) return std::nullopt;
  const Faults& faults = world().faults;
  if (world().blocks()) return std::nullopt;
  std::size_t size =
      std::min({data.size(), std::size_t{end.credit}, std::size_t{most_in_a_segment}});
  if (faults.writes_short) size = short_of(size);
  size = static_cast<std::size_t>(std::min<std::uint64_t>(size, end.until_reset));

  End& other = ends_[1 - side];
  if (other.state == End::State::open || other.state == End::State::opening) {
    other.inbox.append(data.data(), size);
  }
  const auto bytes = static_cast<std::uint32_t>(size);
  end.credit -= bytes;
  end.unarrived += bytes;
  if (end.until_reset != End::never) end.until_reset -= bytes;
  send(side, What::segment, bytes);
  const bool breaks = faults.breaks > 0 && world().is_fault(faults.breaks);
  if (breaks || end.until_reset == 0) break_off(side, true);
  return size;
}

std::size_t Connection::short_of(std::size_t size) {
  return 1 + static_cast<std::size_t>(world().of_faults.below(size));
}

void Connection::reset_after(unsigned side, std::uint64_t bytes) {
  if (ends_[side].state != End::State::open) return;
  ends_[side].until_reset = bytes;
  if (bytes == 0) break_off(side, true);
}

void Connection::shut(unsigned side) {
  End& end = ends_[side];
  if (end.write_error != std::errc()) {
    throw std::system_error(code_of(std::errc::not_connected),
                            "shut down writing to " + peer(side));
  }
  if (std::exchange(end.shut, true)) return;
  send(side, What::end);
}

// A packet for which there is no memory is lost, and not sent again.
void Connection::close(unsigned side, io::Ending how) noexcept {
  End& end = ends_[side];
  end.transport = nullptr;
  const bool is_open = end.state == End::State::open;
  // A Unix socket knows no reset but for what nobody has read (Linux: unix_release_sock()).
  const bool is_abort = how == io::Ending::reset && family_ != io::Address::Family::unix_domain;
  const bool in_order = !is_abort && !has_unread(side);
  end.state = is_open && in_order ? End::State::closed : End::State::gone;
  forget_inbox(end);
  if (!is_open) return;
  try {
    if (!in_order) {
      send_reset(side, false);
    } else if (!std::exchange(end.shut, true)) {
      send(side, What::end);
    }
  } catch (const std::bad_alloc&) {
  }
}

void Connection::vanish(unsigned side) noexcept {
  End& end = ends_[side];
  if (end.state == End::State::none) return;
  end.state = End::State::gone;
  if (side == server) leave_port();
}

void Connection::refuse() noexcept {
  try {
    break_off(server, false);
  } catch (const std::bad_alloc&) {
  }
}

void Connection::tell_later(unsigned side, What what) {
  End& end = ends_[side];
  bool& tells = what == What::is_readable ? end.tells_readable : end.tells_writable;
  if (tells) return;
  post(now(), side, what);
  tells = true;
}

io::Address Connection::address(unsigned side) const {
  if (family_ == io::Address::Family::unix_domain) {
    return side == server ? io::Address::unix_path(path_) : io::Address();
  }
  const End& end = ends_[side];
  return (loopback_ ? end.machine->loopback(family_) : end.machine->address(family_))
      .with_port(end.port);
}

std::string Connection::peer(unsigned side) const {
  const io::Address of = address(1 - side);
  if (of.family() != io::Address::Family::unnamed) return of.text();
  return "a client of " + address(side).text();
}

}  // namespace deferred::testing::simulation
