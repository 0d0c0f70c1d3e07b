// SPDX-License-Identifier: MIT
//
// What the conformance cases hold in their hands: descriptors, a backend driven without a reactor,
// the two ends of a connection.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "deferred/io/connect.hpp"
#include "deferred/io/listen.hpp"
#include "deferred/io/stream.hpp"
#include "deferred/reactor/backend.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/testing/conformance/context.hpp"

namespace deferred::testing::conformance {

using std::chrono::steady_clock;

/// Two descriptors that are closed at the end.
class Ends {
 public:
  Ends(const Ends&) = delete;
  Ends& operator=(const Ends&) = delete;
  ~Ends() {
    close(0);
    close(1);
  }
  int operator[](int end) const noexcept { return fds_[static_cast<std::size_t>(end)]; }
  void close(int end) noexcept;
  /// Gives the descriptor away.
  int release(int end) noexcept { return std::exchange(fds_[static_cast<std::size_t>(end)], -1); }
  void write(int end, std::string_view bytes = "x") const;
  /// What is there, at most 64 KiB; empty if nothing is, or at the end.
  std::string read(int end) const;
  /// Writes until no more is taken.
  void fill(int end) const;
  /// Reads all that is there.
  void drain(int end) const;

 protected:
  Ends() = default;
  std::array<int, 2> fds_{-1, -1};
};

/// Two connected, non-blocking Unix sockets.
class SocketPair : public Ends {
 public:
  SocketPair();
  /// No more is sent from this end.
  void half_close(int end) const;
};

/// A non-blocking pipe: 0 is read, 1 is written.
class Pipe : public Ends {
 public:
  Pipe();
};

/// What to do where a backend cannot watch regular files.
inline constexpr const char* no_regular_files =
    "if that is so, leave out Capability::regular_files";

/// While it lives, the process may have so many descriptors; false if it may not.
class MoreDescriptors {
 public:
  explicit MoreDescriptors(int count);
  MoreDescriptors(const MoreDescriptors&) = delete;
  MoreDescriptors& operator=(const MoreDescriptors&) = delete;
  ~MoreDescriptors();
  explicit operator bool() const noexcept { return enough_; }

 private:
  std::uint64_t before_ = 0;
  bool enough_ = false;
};

/// Stands where a reactor would: counts turns, and does what it is told in each.
class CountedTurn final : public Turn {
 public:
  explicit CountedTurn(Backend& backend) : backend_(backend) { backend_.drive(this); }
  CountedTurn(const CountedTurn&) = delete;
  CountedTurn& operator=(const CountedTurn&) = delete;
  ~CountedTurn() {
    backend_.arm(TimePoint::max());
    backend_.drive(nullptr);
  }
  void turn() noexcept override {
    ++count;
    threads.push_back(std::this_thread::get_id());
    if (each) each();
  }
  int count = 0;
  std::vector<std::thread::id> threads;
  std::function<void()> each;

 private:
  Backend& backend_;
};

/// Notes what a backend reports.
class NotedReady final : public IoHandler {
 public:
  void on_ready(Ready what) noexcept override {
    ++count;
    all = all | what;
    last = what;
    if (each) each(what);
  }
  /// What was reported since the last call.
  Ready take() noexcept { return std::exchange(all, Ready::none); }
  int count = 0;
  Ready all = Ready::none;
  Ready last = Ready::none;
  std::function<void(Ready)> each;
};

/// Notes its end.
class NotedEnd {
 public:
  explicit NotedEnd(int& count) noexcept : count_(&count) {}
  NotedEnd(NotedEnd&& other) noexcept : count_(std::exchange(other.count_, nullptr)) {}
  NotedEnd& operator=(NotedEnd&&) = delete;
  ~NotedEnd() {
    if (count_) ++*count_;
  }

 private:
  int* count_;
};

/// A thread that is joined where it goes out of scope.
class Joined {
 public:
  template <class F>
  explicit Joined(F f) : thread_(std::move(f)) {}
  Joined(const Joined&) = delete;
  Joined& operator=(const Joined&) = delete;
  ~Joined() { join(); }
  void join() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::thread thread_;
};

/// Calls `f()` again and again on a thread of its own, until it ends.
class Repeated {
 public:
  template <class F>
  explicit Repeated(F f)
      : thread_([this, f = std::move(f)] {
          while (!over_) f();
        }) {}
  Repeated(const Repeated&) = delete;
  Repeated& operator=(const Repeated&) = delete;
  ~Repeated() { end(); }
  void end() {
    over_ = true;
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::atomic<bool> over_{false};
  std::thread thread_;
};

/// The two streams of a TCP connection over the loopback.
class Connection {
 public:
  Connection(io::Stream one, io::Stream other) : client(std::move(one)), server(std::move(other)) {}
  io::Stream client;
  io::Stream server;
};
Task<Connection> connect_pair(Reactor& reactor, std::string host = "127.0.0.1");

/// Reads what is there, at least a byte; empty at the end.
Task<std::string> read_text(io::Stream& stream, std::size_t at_most = 65536);
/// Reads until there are so many bytes, or the end.
Task<std::string> read_exactly(io::Stream& stream, std::size_t count);
/// Writes until it is ended.
Task<void> write_for_ever(io::Stream& stream, std::size_t& written);
/// So many turns for the others.
Task<void> pauses(int count);
/// Closes with a reset instead of an orderly end. (Twisted: abortConnection)
void abort_connection(io::Stream& stream);
/// A number that no two pieces of the text agree on.
std::string pattern(std::size_t size);
/// Skips the case where this machine has no IPv6 loopback.
void require_ipv6(Context& c);

template <class T>
std::string what_of(const Outcome<T>& outcome) {
  return outcome.has_value() ? "no error" : outcome.failure().what();
}
/// It is a std::system_error with this code.
template <class T, class C>
bool failed_with(const Outcome<T>& outcome, C code) {
  const auto* const error = outcome.template check<std::system_error>();
  return error && error->code() == code;
}

/// That this thread has used.
Duration processor_time();
[[noreturn]] void oops(const char* text = "oops");

}  // namespace deferred::testing::conformance
