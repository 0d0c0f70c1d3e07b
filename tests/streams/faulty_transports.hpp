// SPDX-License-Identifier: MIT
//
// Transports with one fault each, for the proof of the stream conformance kit. What each is named
// for it does wrong; all else the stream below it does.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "deferred/reactor/delayed_call.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/testing/decorated_transport.hpp"

namespace deferred::testing::faulty_transports {

using Size = std::optional<std::size_t>;

/// With the readiness R for reading.
template <class R>
class WithReadable : public DecoratedTransport {
 public:
  explicit WithReadable(io::Stream below)
      : DecoratedTransport(std::move(below), readable_, writable_),
        readable_(lower()),
        writable_(lower().writable(), reactor()) {}

 private:
  R readable_;
  Passed writable_;
};

// Reading.

/// Has begun to read when its reader is cut off, and drops what comes.
class ReadsForTheDead : public DecoratedTransport::Passed {
 public:
  explicit ReadsForTheDead(io::Transport& below)
      : Passed(below.readable(), below.reactor()), below_(below) {}

 private:
  void disarm() noexcept override {
    char dropped = 0;
    static_cast<void>(below_.try_read(std::span(&dropped, 1)));
    Passed::disarm();
  }
  io::Transport& below_;
};

/// Takes all there is, and then waits for what is below, though it has bytes.
class ForgetsWhatItHas final : public DecoratedTransport {
 public:
  using DecoratedTransport::DecoratedTransport;
  Size try_read(std::span<char> into) override {
    if (ahead_.empty()) {
      char room[4096];
      const Size got = DecoratedTransport::try_read(room);
      if (!got || *got == 0) return got;
      ahead_.assign(room, *got);
    }
    const std::size_t given = ahead_.copy(into.data(), into.size());
    ahead_.erase(0, given);
    drained = false;
    return given;
  }

 private:
  std::string ahead_;
};

class DropsTheRestOfARead final : public DecoratedTransport {
 public:
  using DecoratedTransport::DecoratedTransport;
  Size try_read(std::span<char> into) override {
    char room[4096];
    const Size got = DecoratedTransport::try_read(room);
    if (!got) return got;
    return std::string_view(room, *got).copy(into.data(), into.size());
  }
};

class CountsOneTooFew final : public DecoratedTransport {
 public:
  using DecoratedTransport::DecoratedTransport;
  Size try_read(std::span<char> into) override {
    const Size got = DecoratedTransport::try_read(into);
    return got && *got > 1 ? *got - 1 : got;
  }
};

class IsAlwaysDrained final : public DecoratedTransport {
 public:
  using DecoratedTransport::DecoratedTransport;
  Size try_read(std::span<char> into) override {
    const Size got = DecoratedTransport::try_read(into);
    drained = true;
    return got;
  }
};

class ReadsSevenBits final : public DecoratedTransport {
 public:
  using DecoratedTransport::DecoratedTransport;
  Size try_read(std::span<char> into) override {
    const Size got = DecoratedTransport::try_read(into);
    for (char& byte : into.first(got.value_or(0))) byte = static_cast<char>(byte & 0x7f);
    return got;
  }
};

// Readiness.

/// Does nothing wrong.
class PassesAll : public DecoratedTransport::Passed {
 public:
  explicit PassesAll(io::Transport& below) : Passed(below.readable(), below.reactor()) {}
};

class ReportsInsideArm : public DecoratedTransport::Passed {
 public:
  explicit ReportsInsideArm(io::Transport& below) : Passed(below.readable(), below.reactor()) {}

 private:
  void arm() override {
    Passed::arm();
    report();
  }
};

class LooksOnce : public DecoratedTransport::Passed {
 public:
  explicit LooksOnce(io::Transport& below) : Passed(below.readable(), below.reactor()) {}

 private:
  void arm() override {
    if (!std::exchange(looked_, true)) Passed::arm();
  }
  bool looked_ = false;
};

class ReportsAllTheTime : public DecoratedTransport::Passed {
 public:
  explicit ReportsAllTheTime(io::Transport& below) : Passed(below.readable(), below.reactor()) {}

 private:
  void arm() override {
    again_ = reactor().call_later(std::chrono::nanoseconds(0), [this] { report(); });
  }
  DelayedCall again_;
};

class IsNeverWritable final : public DecoratedTransport {
 public:
  explicit IsNeverWritable(io::Stream below)
      : DecoratedTransport(std::move(below), readable_, writable_),
        readable_(lower().readable(), reactor()),
        writable_(reactor()) {}

 private:
  class Never final : public io::Readiness {
   public:
    explicit Never(Reactor& reactor) noexcept : Readiness(reactor) {}

   private:
    void arm() override {}
    void disarm() noexcept override {}
  };
  Passed readable_;
  Never writable_;
};

/// One wake-up for both directions.
class WakesOneOnly final : public DecoratedTransport {
 public:
  explicit WakesOneOnly(io::Stream below)
      : DecoratedTransport(std::move(below), both_, both_), both_(lower().readable(), reactor()) {}

 private:
  Passed both_;
};

// Ends.

class EndsBothAtTheEnd final : public DecoratedTransport {
 public:
  using DecoratedTransport::DecoratedTransport;
  Size try_read(std::span<char> into) override {
    const Size got = DecoratedTransport::try_read(into);
    if (got && *got == 0) ended_ = true;
    return got;
  }
  Size try_write(std::string_view data) override {
    if (!ended_) return DecoratedTransport::try_write(data);
    throw std::system_error(std::make_error_code(std::errc::broken_pipe), "write to " + peer());
  }

 private:
  bool ended_ = false;
};

class StopsReadingAtShutdown final : public DecoratedTransport {
 public:
  using DecoratedTransport::DecoratedTransport;
  Size try_read(std::span<char> into) override {
    return shut_ ? Size(0) : DecoratedTransport::try_read(into);
  }
  bool try_shutdown_write() override {
    shut_ = true;
    return DecoratedTransport::try_shutdown_write();
  }

 private:
  bool shut_ = false;
};

class GoesOnBehindTheEnd final : public DecoratedTransport {
 public:
  using DecoratedTransport::DecoratedTransport;
  Size try_read(std::span<char> into) override {
    const Size got = DecoratedTransport::try_read(into);
    if (!got || *got != 0 || ++ends_ != 2) return got;
    into[0] = '?';
    return 1;
  }

 private:
  int ends_ = 0;
};

class TakesTheEndForAnError final : public DecoratedTransport {
 public:
  using DecoratedTransport::DecoratedTransport;
  Size try_read(std::span<char> into) override {
    const Size got = DecoratedTransport::try_read(into);
    if (!got || *got != 0) return got;
    throw std::system_error(std::make_error_code(std::errc::connection_reset),
                            "read from " + peer());
  }
};

class TakesWritesAfterShutdown final : public DecoratedTransport {
 public:
  using DecoratedTransport::DecoratedTransport;
  Size try_write(std::string_view data) override {
    return shut_ ? Size(data.size()) : DecoratedTransport::try_write(data);
  }
  bool try_shutdown_write() override {
    shut_ = true;
    return DecoratedTransport::try_shutdown_write();
  }

 private:
  bool shut_ = false;
};

// Errors.

class ForgetsAReadError final : public DecoratedTransport {
 public:
  using DecoratedTransport::DecoratedTransport;
  Size try_read(std::span<char> into) override {
    if (failed_) return 0;
    try {
      return DecoratedTransport::try_read(into);
    } catch (...) {
      failed_ = true;
      throw;
    }
  }

 private:
  bool failed_ = false;
};

class ForgetsAWriteError final : public DecoratedTransport {
 public:
  using DecoratedTransport::DecoratedTransport;
  Size try_write(std::string_view data) override {
    if (failed_) return data.size();
    try {
      return DecoratedTransport::try_write(data);
    } catch (...) {
      failed_ = true;
      throw;
    }
  }

 private:
  bool failed_ = false;
};

class HasNoName final : public DecoratedTransport {
 public:
  using DecoratedTransport::DecoratedTransport;
  std::string local() const override { throw std::logic_error("not done yet"); }
};

/// What is there when a wait begins is told, unless it is an error.
class IsSilentOfErrors : public DecoratedTransport::Passed {
 public:
  explicit IsSilentOfErrors(io::Transport& below)
      : Passed(below.readable(), below.reactor()), fd_(below.descriptor()) {}

 private:
  void arm() override {
    char byte = 0;
    if (::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == ECONNRESET) return;
    Passed::arm();
  }
  int fd_;
};

class NamesNobody final : public DecoratedTransport {
 public:
  using DecoratedTransport::DecoratedTransport;
  Size try_write(std::string_view data) override {
    try {
      return DecoratedTransport::try_write(data);
    } catch (const std::system_error& error) {
      throw std::system_error(error.code(), "write");
    }
  }
};

class ThrowsWhatItLikes final : public DecoratedTransport {
 public:
  using DecoratedTransport::DecoratedTransport;
  Size try_write(std::string_view data) override {
    try {
      return DecoratedTransport::try_write(data);
    } catch (const std::system_error& error) {
      throw std::runtime_error(error.what());
    }
  }
};

// Writing.

class ClaimsMoreThanItTakes final : public DecoratedTransport {
 public:
  using DecoratedTransport::DecoratedTransport;
  Size try_write(std::string_view data) override {
    const Size taken = DecoratedTransport::try_write(data.substr(0, (data.size() + 1) / 2));
    return taken ? Size(data.size()) : taken;
  }
};

class TakesNothingWhereItWouldBlock final : public DecoratedTransport {
 public:
  using DecoratedTransport::DecoratedTransport;
  Size try_write(std::string_view data) override {
    return DecoratedTransport::try_write(data).value_or(0);
  }
};

/// As plain OpenSSL does: after a write that would block it sends that one's bytes, whatever the
/// next one's are.
class SendsWhatItRefused final : public DecoratedTransport {
 public:
  using DecoratedTransport::DecoratedTransport;
  Size try_write(std::string_view data) override {
    if (refused_.empty()) {
      const Size taken = DecoratedTransport::try_write(data);
      if (!taken) refused_ = data;
      return taken;
    }
    const Size taken = DecoratedTransport::try_write(refused_.substr(0, data.size()));
    if (taken) refused_.clear();
    return taken;
  }

 private:
  std::string refused_;
};

/// Sends what a write that would block had, and then what the next has, too.
class SendsWhatWasCut final : public DecoratedTransport {
 public:
  using DecoratedTransport::DecoratedTransport;
  Size try_write(std::string_view data) override {
    while (!refused_.empty()) {
      const Size sent = DecoratedTransport::try_write(refused_);
      if (!sent) return std::nullopt;
      refused_.erase(0, *sent);
    }
    const Size taken = DecoratedTransport::try_write(data);
    if (!taken && data == "lost") refused_ = data;
    return taken;
  }

 private:
  std::string refused_;
};

/// Keeps up to 64 KiB that what is below does not take, and brings them there when it is asked.
class KeepsOutput : public DecoratedTransport {
 public:
  using DecoratedTransport::DecoratedTransport;
  Size try_write(std::string_view data) override {
    push();
    const std::size_t taken = std::min(data.size(), (64 << 10) - kept_.size());
    if (taken == 0) return std::nullopt;
    kept_ += data.substr(0, taken);
    return taken;
  }
  bool try_flush() override { return push(); }
  bool try_shutdown_write() override { return push() && DecoratedTransport::try_shutdown_write(); }

 protected:
  bool push() {
    while (!kept_.empty()) {
      const Size sent = DecoratedTransport::try_write(kept_);
      if (!sent) return false;
      kept_.erase(0, *sent);
    }
    return true;
  }

 private:
  std::string kept_;
};

class ShutsDownBeforeItFlushes final : public KeepsOutput {
 public:
  using KeepsOutput::KeepsOutput;
  bool try_shutdown_write() override { return DecoratedTransport::try_shutdown_write(); }
};

class SaysThatItHasFlushed final : public KeepsOutput {
 public:
  using KeepsOutput::KeepsOutput;
  bool try_flush() override { return true; }
};

// Closing.

class ClosesAtItsEndOnly final : public DecoratedTransport {
 public:
  using DecoratedTransport::DecoratedTransport;

 private:
  void do_close(io::Ending) noexcept override {}
};

class ClosesItsDescriptorTwice final : public DecoratedTransport {
 public:
  explicit ClosesItsDescriptorTwice(io::Stream below)
      : DecoratedTransport(std::move(below)), number_(lower().descriptor()) {}
  ~ClosesItsDescriptorTwice() override { ::close(number_); }

 private:
  int number_;
};

class AbortsPolitely final : public DecoratedTransport {
 public:
  using DecoratedTransport::DecoratedTransport;

 private:
  void do_close(io::Ending) noexcept override { DecoratedTransport::do_close(io::Ending::polite); }
};

class ClosesRudely final : public DecoratedTransport {
 public:
  using DecoratedTransport::DecoratedTransport;

 private:
  void do_close(io::Ending) noexcept override { DecoratedTransport::do_close(io::Ending::reset); }
};

class UsesItsReactorAtTheEnd final : public DecoratedTransport {
 public:
  using DecoratedTransport::DecoratedTransport;

 private:
  void do_close(io::Ending how) noexcept override {
    reactor().post([] {});
    DecoratedTransport::do_close(how);
  }
};

}  // namespace deferred::testing::faulty_transports
