// SPDX-License-Identifier: MIT
//
// FdTransport: pipes, FIFOs and terminals.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "deferred/io/descriptor.hpp"
#include "deferred/io/transport.hpp"

namespace deferred::io::detail {

/// One direction of an FdTransport.
class FdSide {
 public:
  enum class Kind : unsigned char { pipe, terminal };

  /// None: the transport has not this direction.
  FdSide() noexcept = default;
  /// Does not block; or else `shared` with others, who rely on it that it does: then it is asked
  /// first whether it is ready.
  FdSide(Descriptor fd, Kind kind, bool shared) noexcept
      : fd_(std::move(fd)), kind_(kind), shared_(shared) {}

  int fd() const noexcept { return fd_.fd(); }
  explicit operator bool() const noexcept { return static_cast<bool>(fd_); }
  bool is_terminal() const noexcept { return kind_ == Kind::terminal; }
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
  FdReadiness in_readable_;
  FdReadiness out_writable_;
  bool wrote_its_last_ = false;
};

}  // namespace deferred::io::detail
