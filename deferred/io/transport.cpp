// SPDX-License-Identifier: MIT
#include "deferred/io/transport.hpp"

#include <algorithm>
#include <limits>
#include <system_error>

#include "deferred/io/detail/operations.hpp"
#include "deferred/io/errors.hpp"

namespace deferred::io {
namespace {

constexpr std::size_t chunk = 64 * 1024;      // what one read_onto_unread() takes at most
constexpr std::size_t least_room = 2048;      // that it makes for that
constexpr std::size_t most_kept = 64 * 1024;  // of an empty buffer

Failure closed(const char* what, const std::string& peer) noexcept {
  try {
    return Failure(std::system_error(Errc::closed, what + peer));
  } catch (...) {  // out of memory for that
    return Failure::current();
  }
}

}  // namespace

void Transport::close(Ending how) noexcept {
  if (!std::exchange(open_, false)) return;
  const TransportPointer alive(this);  // who is told may drop it
  if (readable_.waited_for()) readable_.end(closed(detail::reading, peer_));
  if (writable_.waited_for()) writable_.end(closed(detail::writing, peer_));
  do_close(how == Ending::polite && cut_of_ != 0 ? Ending::cut : how);
}

// The size of all that the writer had is known here alone, and a later one wants to read it.
void Transport::note_cut(std::size_t taken, std::size_t of) noexcept {
  cut_after_ = taken;
  cut_of_ = of;
}

void Transport::refuse(const char* what) const {
  if (!open_) throw std::system_error(Errc::closed, what + peer_);
  if (cut_of_ != 0 && std::string_view(what) != detail::reading) {
    throw std::system_error(Errc::cut_write, what + peer_ + ": an earlier write was cut after " +
                                                 std::to_string(cut_after_) + " of " +
                                                 std::to_string(cut_of_) + " bytes");
  }
  throw std::system_error(Errc::busy, what + peer_);
}

// Room is made first, for what has been read cannot be given back: little, until the first time
// that more had come than there was room for.
std::optional<std::size_t> Transport::read_onto_unread(std::size_t at_most) {
  const std::size_t wanted = much_comes_ ? chunk : least_room;
  if (unread_.capacity() - unread_.size() < wanted) {
    unread_.reserve(std::max(2 * unread_.capacity(), unread_.size() + wanted));
  }
  char bytes[chunk];
  const std::size_t room = std::min(unread_.capacity() - unread_.size(), chunk);
  const auto got = read_now(std::span<char>(bytes, std::min(at_most, room)));
  if (!got) return got;
  much_comes_ = much_comes_ || *got == room;
  unread_.append(bytes, *got);
  return got;
}

std::size_t Transport::find_unread(char byte) noexcept {
  if (byte != searched_for_) searched_ = 0;
  searched_for_ = byte;
  const std::size_t found = unread().find(byte, searched_);
  constexpr std::size_t most = std::numeric_limits<decltype(searched_)>::max();
  searched_ = static_cast<decltype(searched_)>(std::min({found, unread().size(), most}));
  return found;
}

void Transport::consume(std::size_t bytes) noexcept {
  searched_ = 0;
  consumed_ += bytes;
  if (consumed_ >= unread_.size()) {
    consumed_ = 0;
    if (unread_.capacity() > most_kept) {
      std::string().swap(unread_);  // an assignment would keep the room
    } else {
      unread_.clear();
    }
  } else if (consumed_ > unread_.size() / 2) {
    unread_.erase(0, consumed_);
    consumed_ = 0;
  }
}

std::size_t Transport::take_unread(std::span<char> buffer) noexcept {
  const std::size_t taken = unread().copy(buffer.data(), buffer.size());
  consume(taken);
  return taken;
}

}  // namespace deferred::io
