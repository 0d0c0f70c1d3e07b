// SPDX-License-Identifier: MIT
//
// FdTransport: pipes, FIFOs, terminals and files.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "deferred/io/descriptor.hpp"
#include "deferred/io/transport.hpp"
#include "deferred/reactor/delayed_call.hpp"

namespace deferred::io::detail {

/// One direction of an FdTransport.
class FdSide {
 public:
  /// A file is anything that cannot be watched: it is always ready.
  enum class Kind : unsigned char { pipe, terminal, file };

  /// None: the transport has not this direction.
  FdSide() noexcept = default;
  /// Does not block; or else `shared` with others, who rely on it that it does: then it is asked
  /// first whether it is ready.
  FdSide(Descriptor fd, Kind kind, bool shared) noexcept
      : fd_(std::move(fd)), kind_(kind), shared_(shared) {}

  int fd() const noexcept { return fd_.fd(); }
  explicit operator bool() const noexcept { return static_cast<bool>(fd_); }
  bool is_pipe() const noexcept { return kind_ == Kind::pipe; }
  bool is_terminal() const noexcept { return kind_ == Kind::terminal; }
  bool can_be_watched() const noexcept { return fd_ && kind_ != Kind::file; }
  /// read() and write(), negative with errno for an error: no EINTR, and no SIGPIPE.
  std::ptrdiff_t read(std::span<char> into) const noexcept;
  std::ptrdiff_t write(std::string_view data) const noexcept;
  void close() noexcept { fd_.close(); }

 private:
  bool is_ready(short events) const noexcept;

  Descriptor fd_;
  Kind kind_ = Kind::pipe;
  bool shared_ = false;
};

/// That of a side: what cannot be watched is ready in the next turn, and says so, or what is wrong.
class FdSideReadiness final : public Readiness {
 public:
  FdSideReadiness(Reactor& reactor, const FdSide& side, Ready direction) noexcept
      : Readiness(reactor), side_(side), direction_(direction) {}
  void forget() noexcept {
    watch_ = Watch();
    next_turn_ = DelayedCall();
  }

 private:
  void arm() override;
  void disarm() noexcept override;

  const FdSide& side_;
  Ready direction_;
  Watch watch_;
  DelayedCall next_turn_;
};

class FdTransport final : public Transport {
 public:
  FdTransport(Reactor& reactor, FdSide in, FdSide out, std::string peer) noexcept;

  std::optional<std::size_t> try_read(std::span<char> into) override;
  std::optional<std::size_t> try_write(std::string_view data) override;
  bool try_shutdown_write() override;
  std::string local() const override { return peer(); }
  int descriptor() const noexcept override { return in_ ? in_.fd() : out_.fd(); }

 private:
  void do_close(Ending how) noexcept override;

  FdSide in_;  // before what watches them
  FdSide out_;
  FdSideReadiness in_readable_;
  FdSideReadiness out_writable_;
  bool wrote_its_last_ = false;
};

}  // namespace deferred::io::detail
