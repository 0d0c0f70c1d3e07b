// SPDX-License-Identifier: MIT
//
// StreamPair: the two ends of a connection, for tests, in the library deferred-testing. Made by
// memory_pipe() (memory_pipe.hpp), over the network by connected_pair(), or by a function of the
// test's own, which is what the stream conformance kit is given. Next: stream_conformance.hpp.
#pragma once

#include <functional>
#include <string>
#include <type_traits>
#include <utility>

#include "deferred/io/stream.hpp"
#include "deferred/memory/api.hpp"
#include "deferred/tasks/task.hpp"

namespace deferred::testing {

/// What is written to one is read from the other.
class StreamPair {
 public:
  StreamPair(io::Stream one, io::Stream other) noexcept
      : near(std::move(one)), far(std::move(other)) {}
  io::Stream near;
  io::Stream far;
};

/// How to make one, on a given reactor: any `Task<StreamPair> f(Reactor&)`, or a function that has
/// it at once, `StreamPair f(Reactor&)`. Copyable; it has to outlive what it makes.
class MakeStreamPair {
 public:
  MakeStreamPair() = default;
  template <class F>
    requires(std::is_invocable_v<F&, Reactor&> && !std::is_same_v<F, MakeStreamPair>)
  MakeStreamPair(F f) {
    if constexpr (std::is_convertible_v<std::invoke_result_t<F&, Reactor&>, StreamPair>) {
      make_ = [f = std::move(f)](Reactor& reactor) mutable { return at_once(f(reactor)); };
    } else {
      make_ = std::move(f);
    }
  }
  /// False if it was given no function.
  explicit operator bool() const noexcept { return static_cast<bool>(make_); }
  Task<StreamPair> operator()(Reactor& reactor) const { return make_(reactor); }

 private:
  static Task<StreamPair> at_once(StreamPair pair) { co_return pair; }

  std::function<Task<StreamPair>(Reactor&)> make_;
};

/// Listens at an address (io::Address::parse: "127.0.0.1:0", "unix:@name"), connects to it, which
/// gives the near end, and accepts the far one. Over the current network (io/network.hpp). Throws
/// what listening and connecting throw.
DEFERRED_API Task<StreamPair> connected_pair(std::string address);

}  // namespace deferred::testing
