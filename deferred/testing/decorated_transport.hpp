// SPDX-License-Identifier: MIT
//
// DecoratedTransport: a stream below another, for tests in which something about a stream is to be
// different: slower, in other pieces, with an error. It passes everything on; what derives from it
// overrides the rest. In the library deferred-testing. Next: faulty_stream.hpp, which is one.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "deferred/io/readiness.hpp"
#include "deferred/io/stream.hpp"
#include "deferred/io/transport.hpp"
#include "deferred/memory/api.hpp"
#include "deferred/reactor/delayed_call.hpp"

namespace deferred::testing {

/// Does what the stream below does, whose peer it has; `io::make_stream<MyTransport>(std::move(
/// stream))` makes a stream of one. What derives from it keeps the laws of io::Transport. It has
/// that stream for itself: closes it when it is closed, and drops it at its end.
class DEFERRED_API DecoratedTransport : public io::Transport {
 public:
  /// REQUIRES: `lower` is open, nothing of it is buffered(), and nobody waits on it.
  explicit DecoratedTransport(io::Stream lower);
  ~DecoratedTransport() override;

  std::optional<std::size_t> try_read(std::span<char> into) override;
  std::optional<std::size_t> try_write(std::string_view data) override;
  bool try_flush() override;
  bool try_shutdown_write() override;
  std::string local() const override;
  int descriptor() const noexcept override;

  /// Reports when what is below does.
  class DEFERRED_API Passed : public io::Readiness, private io::Readiness::Observer {
   public:
    /// REQUIRES: `lower` outlives it.
    explicit Passed(io::Readiness& lower, Reactor& reactor) noexcept
        : Readiness(reactor), lower_(lower) {}
    virtual ~Passed() = default;

   protected:
    void arm() override;
    void disarm() noexcept override;

   private:
    [[gnu::visibility("hidden")]] bool on_ready() noexcept override;
    [[gnu::visibility("hidden")]] void on_end(Failure why) noexcept override;

    io::Readiness& lower_;
  };

 protected:
  /// With readiness of its own, members of what derives from this.
  DecoratedTransport(io::Stream lower, io::Readiness& readable, io::Readiness& writable);

  io::Transport& lower() const noexcept { return lower_.transport(); }
  void do_close(io::Ending how) noexcept override;

 private:
  io::Stream lower_;  // before those that wait on it
  Passed lower_readable_;
  Passed lower_writable_;
};

}  // namespace deferred::testing
