// SPDX-License-Identifier: MIT
//
// ReadSome and WriteAll: what TcpStream::read_some() and write_all() give. They are awaited where
// they are made; where a Task is wanted, they are one. No coroutine of their own: what can be done
// at once is done by the handler. Next: tcp_stream.hpp.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "deferred/io/detail/socket.hpp"
#include "deferred/memory/api.hpp"
#include "deferred/tasks/task.hpp"

namespace deferred::io {

/// `co_await` it to read, each time anew. Owns the socket with the stream, which may be moved or
/// dropped meanwhile; a named one has to outlive its wait. Throws Errc::closed, Errc::busy, and
/// what the read says, as std::system_error.
class [[nodiscard]] DEFERRED_API ReadSome {
 public:
  ReadSome(detail::SocketPointer socket, std::span<char> buffer) noexcept
      : socket_(std::move(socket)), buffer_(buffer) {}

  /// The undo: a task that reads, for as long as it waits.
  class Reading final : public detail::Readiness::Waiting {
   public:
    ~Reading() {
      if (socket_) socket_->reading = false;
    }

   private:
    friend class ReadSome;
    Reading(const ReadSome& read, Waiter<std::size_t>&& waiter);
    [[gnu::visibility("hidden")]] void on_ready() noexcept override;
    [[gnu::visibility("hidden")]] void on_end(Failure failure) noexcept override;

    detail::Socket* socket_ = nullptr;  // null: it has been answered at once
    std::span<char> buffer_;
    Waiter<std::size_t> waiter_;
  };
  Reading yield_to(Waiter<std::size_t> waiter) const { return Reading(*this, std::move(waiter)); }
  /// "read from 127.0.0.1:9", for dumps.
  std::string describe() const;

  /// For spawn(), and wherever else it has to be a task.
  operator Task<std::size_t>() const;

 private:
  detail::SocketPointer socket_;  // null: a stream without a connection
  std::span<char> buffer_;
};

/// `co_await` it to write, once. All else as for ReadSome.
class [[nodiscard]] DEFERRED_API WriteAll {
 public:
  WriteAll(detail::SocketPointer socket, std::string_view data) noexcept
      : socket_(std::move(socket)), data_(data) {}

  /// The undo: a task that writes, for as long as it waits.
  class Writing final : public detail::Readiness::Waiting {
   public:
    ~Writing() {
      if (socket_) socket_->writing = false;
    }

   private:
    friend class WriteAll;
    Writing(const WriteAll& write, Waiter<void>&& waiter);
    [[gnu::visibility("hidden")]] void on_ready() noexcept override;
    [[gnu::visibility("hidden")]] void on_end(Failure failure) noexcept override;

    detail::Socket* socket_ = nullptr;  // null: it has been answered at once
    std::string_view rest_;
    Waiter<void> waiter_;
  };
  Writing yield_to(Waiter<void> waiter) && { return Writing(*this, std::move(waiter)); }

  operator Task<void>() &&;

 private:
  detail::SocketPointer socket_;
  std::string_view data_;
};

}  // namespace deferred::io
