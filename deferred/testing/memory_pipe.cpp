// SPDX-License-Identifier: MIT
#include "deferred/testing/memory_pipe.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "deferred/io/transport.hpp"
#include "deferred/reactor/delayed_call.hpp"
#include "deferred/reactor/reactor.hpp"

namespace deferred::testing {
namespace {

using io::Ending;
using io::Readiness;
using io::Transport;

class MemoryReadiness;

/// One direction, which its two ends have in common.
class Flow {
 public:
  explicit Flow(std::size_t most) : room(std::max<std::size_t>(most, 1)) {}

  std::size_t size() const noexcept { return bytes_.size() - begin_; }
  bool can_read() const noexcept { return size() != 0 || ended || reset; }
  bool can_write() const noexcept { return size() < room || ended || reset || unread; }
  std::size_t put(std::string_view data) {
    const std::size_t taken = std::min(data.size(), room - size());
    bytes_.append(data.substr(0, taken));
    return taken;
  }
  std::size_t take(std::span<char> into) noexcept {
    const std::size_t given = bytes_.copy(into.data(), into.size(), begin_);
    begin_ += given;
    if (begin_ > bytes_.size() / 2) bytes_.erase(0, std::exchange(begin_, 0));
    return given;
  }
  void drop() noexcept { std::string().swap(bytes_), begin_ = 0; }

  const std::size_t room;
  bool ended = false;                 // no more is written
  bool unread = false;                // nobody reads it any more
  bool reset = false;                 // behind its bytes is an error, for both
  MemoryReadiness* reader = nullptr;  // of an end that is open
  MemoryReadiness* writer = nullptr;

 private:
  std::string bytes_;
  std::size_t begin_ = 0;  // what is before it has been read
};

/// Ends with its reactor.
class ReactorLife {
 public:
  explicit ReactorLife(Reactor&) {}
  std::weak_ptr<const void> look() const noexcept { return lives_; }

 private:
  std::shared_ptr<const int> lives_ = std::make_shared<const int>(0);
};

// A report is made in a turn of its own, never in the call that is its cause: that may be inside
// of another report to the same end. A transport above may wait for longer than its tasks do, and
// so for longer than there is a reactor.
class MemoryReadiness final : public Readiness {
 public:
  MemoryReadiness(Reactor& reactor, const Flow& flow, bool reads)
      : Readiness(reactor),
        flow_(flow),
        reads_(reads),
        reactor_lives_(reactor.service<ReactorLife>().look()) {}

  /// The other end is about to do something. Before it, for this may throw.
  void look_soon() {
    if (waited_for() && !reactor_lives_.expired()) report_soon();
  }
  /// It has been closed. Without memory for a later turn it is told now.
  void look_at_closing() noexcept {
    try {
      look_soon();
    } catch (...) {
      report();
    }
  }

 private:
  void arm() override {
    if (reads_ ? flow_.can_read() : flow_.can_write()) report_soon();
  }
  void report_soon() {
    if (soon_.active()) return;
    soon_ = reactor().call_later(std::chrono::nanoseconds(0), [this] { report(); });
  }
  void disarm() noexcept override { soon_.cancel(); }

  const Flow& flow_;
  bool reads_;
  std::weak_ptr<const void> reactor_lives_;
  DelayedCall soon_;
};

class MemoryTransport final : public Transport {
 public:
  MemoryTransport(Reactor& reactor, const char* here, const char* there, std::shared_ptr<Flow> in,
                  std::shared_ptr<Flow> out)
      : Transport(reactor, there, memory_readable_, memory_writable_),
        here_(here),
        in_(std::move(in)),
        out_(std::move(out)),
        memory_readable_(reactor, *in_, true),
        memory_writable_(reactor, *out_, false) {
    in_->reader = &memory_readable_;
    out_->writer = &memory_writable_;
  }
  ~MemoryTransport() override {
    if (is_open()) MemoryTransport::do_close(Ending::polite);
  }

  std::optional<std::size_t> try_read(std::span<char> into) override {
    if (in_->size() != 0) {
      if (in_->writer) in_->writer->look_soon();
      const std::size_t got = in_->take(into);
      drained = !in_->can_read();
      return got;
    }
    if (in_->reset) throw_reset("read from ");
    if (in_->ended) return 0;
    return std::nullopt;
  }

  std::optional<std::size_t> try_write(std::string_view data) override {
    if (out_->reset) throw_reset("write to ");
    if (out_->ended || out_->unread) {
      throw std::system_error(std::make_error_code(std::errc::broken_pipe), "write to " + peer());
    }
    if (!out_->can_write()) return std::nullopt;
    if (out_->reader) out_->reader->look_soon();
    return out_->put(data);
  }

  bool try_shutdown_write() override {
    if (out_->reset) throw_reset("shut down writing to ");
    if (out_->reader) out_->reader->look_soon();
    out_->ended = true;
    return true;
  }

  std::string local() const override { return here_; }

 private:
  [[noreturn]] void throw_reset(const char* what) const {
    throw std::system_error(std::make_error_code(std::errc::connection_reset), what + peer());
  }

  void do_close(Ending how) noexcept override {
    in_->reader = out_->writer = nullptr;
    const bool reset = how == Ending::reset || in_->size() != 0;
    in_->drop();
    in_->reset = in_->reset || reset;
    out_->reset = out_->reset || (reset && !out_->ended);  // an end stays the end
    in_->unread = out_->ended = true;
    if (out_->reader) out_->reader->look_at_closing();
    if (in_->writer) in_->writer->look_at_closing();
  }

  const char* here_;
  std::shared_ptr<Flow> in_;
  std::shared_ptr<Flow> out_;
  MemoryReadiness memory_readable_;
  MemoryReadiness memory_writable_;
};

constexpr const char* near_name = "memory pipe, near end";
constexpr const char* far_name = "memory pipe, far end";

}  // namespace

StreamPair memory_pipe(Reactor& reactor, std::size_t room) {
  const auto there = std::make_shared<Flow>(room);
  const auto back = std::make_shared<Flow>(room);
  io::Stream near = io::make_stream<MemoryTransport>(reactor, near_name, far_name, back, there);
  io::Stream far = io::make_stream<MemoryTransport>(reactor, far_name, near_name, there, back);
  return StreamPair(std::move(near), std::move(far));
}

StreamPair memory_pipe(std::size_t room) { return memory_pipe(Reactor::current(), room); }

}  // namespace deferred::testing
