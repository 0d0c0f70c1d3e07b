// SPDX-License-Identifier: MIT
//
// ReadSome, WriteSome and WriteAll: what Stream's functions of these names give, the same over
// every transport. They are awaited where they are made; where a Task is wanted, they are one. No
// coroutine of their own: what can be done at once is done by the handler. Next: stream.hpp.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "deferred/io/transport.hpp"
#include "deferred/memory/api.hpp"
#include "deferred/tasks/task.hpp"

namespace deferred::io {

/// `co_await` it to read, each time anew. Owns the transport with the stream, which may be moved or
/// dropped meanwhile; a named one has to outlive its wait. Throws Errc::closed, Errc::busy, and
/// what the read says, as std::system_error.
class [[nodiscard]] DEFERRED_API ReadSome {
 public:
  /// For Stream::read_some().
  ReadSome(TransportPointer transport, std::span<char> buffer) noexcept
      : transport_(std::move(transport)), buffer_(buffer) {}

  /// The undo: a task that reads, for as long as it waits.
  class Reading final : public Readiness::Observer {
   public:
    ~Reading() { give_back(); }

   private:
    friend class ReadSome;
    Reading(const ReadSome& read, Waiter<std::size_t>&& waiter);
    /// Before it answers, for a callback may read on inside of that.
    void give_back() noexcept {
      if (transport_) std::exchange(transport_, nullptr)->reading_ = false;
    }
    [[gnu::visibility("hidden")]] bool on_ready() noexcept override;
    [[gnu::visibility("hidden")]] void on_end(Failure why) noexcept override;

    Transport* transport_ = nullptr;  // null: it has been answered
    std::span<char> buffer_;
    Waiter<std::size_t> waiter_;
  };
  Reading yield_to(Waiter<std::size_t> waiter) const { return Reading(*this, std::move(waiter)); }
  /// "read from 127.0.0.1:9", for dumps.
  std::string describe() const;

  /// For spawn(), and wherever else it has to be a task.
  operator Task<std::size_t>() const;

 private:
  TransportPointer transport_;  // null: a stream without a connection
  std::span<char> buffer_;
};

/// `co_await` it to write a first part, each time anew, as ReadSome; gives how much was taken, at
/// least a byte, or 0 of nothing. Cancelled, it has taken none; one that is closed may have.
/// Throws Errc::cut_write too.
class [[nodiscard]] DEFERRED_API WriteSome {
 public:
  /// For Stream::write_some().
  WriteSome(TransportPointer transport, std::string_view data) noexcept
      : transport_(std::move(transport)), data_(data) {}

  /// The undo: a task that writes, for as long as it waits.
  class Writing final : public Readiness::Observer {
   public:
    ~Writing() { give_back(); }

   private:
    friend class WriteSome;
    Writing(const WriteSome& write, Waiter<std::size_t>&& waiter);
    void give_back() noexcept {
      if (transport_) std::exchange(transport_, nullptr)->writing_ = false;
    }
    [[gnu::visibility("hidden")]] bool on_ready() noexcept override;
    [[gnu::visibility("hidden")]] void on_end(Failure why) noexcept override;

    Transport* transport_ = nullptr;  // null: it has been answered
    std::string_view data_;
    Waiter<std::size_t> waiter_;
  };
  Writing yield_to(Waiter<std::size_t> waiter) const { return Writing(*this, std::move(waiter)); }

  operator Task<std::size_t>() const;

 private:
  TransportPointer transport_;
  std::string_view data_;
};

/// `co_await` it to write, once. All else as for WriteSome; but a cut is told by Stream::write_all.
class [[nodiscard]] DEFERRED_API WriteAll {
 public:
  /// For Stream::write_all().
  WriteAll(TransportPointer transport, std::string_view data) noexcept
      : transport_(std::move(transport)), data_(data) {}

  /// The undo: a task that writes, for as long as it waits.
  class Writing final : public Readiness::Observer {
   public:
    ~Writing() { give_back(); }

   private:
    friend class WriteAll;
    Writing(const WriteAll& write, Waiter<void>&& waiter);
    /// True when all is taken, and what is kept has gone to the kernel.
    [[gnu::visibility("hidden")]] bool write_now(Transport& transport);
    void give_back() noexcept {
      if (transport_) std::exchange(transport_, nullptr)->end_write(taken_, data_.size());
    }
    [[gnu::visibility("hidden")]] bool on_ready() noexcept override;
    [[gnu::visibility("hidden")]] void on_end(Failure why) noexcept override;

    Transport* transport_ = nullptr;  // null: it has been answered
    std::string_view data_;
    std::size_t taken_ = 0;  // of data_
    Waiter<void> waiter_;
  };
  Writing yield_to(Waiter<void> waiter) && { return Writing(*this, std::move(waiter)); }

  operator Task<void>() &&;

 private:
  TransportPointer transport_;
  std::string_view data_;
};

}  // namespace deferred::io
