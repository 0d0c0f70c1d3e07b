// SPDX-License-Identifier: MIT
//
// TransportAccess: for those in io/ who read or write a transport beside its Stream's own
// functions, in their turn with them.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "deferred/io/detail/operations.hpp"
#include "deferred/io/transport.hpp"

namespace deferred::io::detail {

struct TransportAccess {
  using Claim = Transport::Claim;
  static Claim claim_reading(Transport& transport) {
    return Claim(transport, transport.reading_, reading);
  }
  static Readiness& begin_to_wait(Transport& transport, Readiness& direction) noexcept {
    return transport.begin_to_wait(direction);
  }
  static void require_open(const Transport& transport, const char* what) {
    transport.require_open(what);
  }
  static bool has_run_long(Transport& transport) noexcept { return transport.has_run_long(); }
  static bool keeps_output(const Transport& transport) noexcept { return transport.keeps_output; }
  static std::optional<std::size_t> write_now(Transport& transport, std::string_view data) {
    return transport.write_now(data);
  }
  static std::string_view unread(const Transport& transport) noexcept { return transport.unread(); }
  static std::size_t take_unread(Transport& transport, std::span<char> into) noexcept {
    return transport.take_unread(into);
  }
  static void count_read(Transport& transport, std::size_t bytes) noexcept {
    transport.read_ += bytes;
  }
  static void count_written(Transport& transport, std::size_t bytes) noexcept {
    transport.written_ += bytes;
  }
  /// For so many bytes behind what is unread.
  static void make_room(Transport& transport, std::size_t bytes) {
    transport.unread_.reserve(transport.unread_.size() + bytes);
  }
  /// Behind what is unread; there is room.
  static void keep_unread(Transport& transport, std::string_view bytes) {
    transport.unread_ += bytes;
  }

  /// A task's right to write a message of so many bytes: what goes out of them is `taken`, and if
  /// that is a part at its end, the message is cut.
  class Writing {
   public:
    Writing(Transport& transport, std::size_t size) : transport_(transport), size_(size) {
      if (!transport.open_ || transport.writing_) transport.refuse(writing);
      transport.writing_ = true;
    }
    Writing(const Writing&) = delete;
    Writing& operator=(const Writing&) = delete;
    ~Writing() { transport_.end_write(taken, size_); }

    std::size_t taken = 0;

   private:
    Transport& transport_;
    std::size_t size_;
  };
};

}  // namespace deferred::io::detail
