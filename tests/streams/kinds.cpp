// SPDX-License-Identifier: MIT
#include "tests/streams/kinds.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <system_error>
#include <utility>

#define main main_of_own_transport
#include "samples/own_transport.cpp"
#undef main

#include "deferred/io/pipe.hpp"
#include "deferred/testing/decorated_transport.hpp"
#include "deferred/testing/faulty_stream.hpp"
#include "deferred/testing/memory_pipe.hpp"
#include "deferred/testing/stream_conformance_doctest.hpp"
#include "tests/streams/system_pairs.hpp"
#ifdef DEFERRED_TEST_TLS
#include "tests/streams/tls_pair.hpp"
#endif

namespace deferred::testing {
namespace {

constexpr StreamTrait all_but_reset =
    StreamTrait::two_ways | StreamTrait::half_close | StreamTrait::clogs;
constexpr StreamTrait one_way = StreamTrait::half_close | StreamTrait::clogs;

Task<StreamPair> tcp_pair(Reactor&) { return connected_pair("127.0.0.1:0"); }

Task<StreamPair> unix_pair(Reactor&) {
  static int number = 0;
  const std::string name = std::to_string(::getpid()) + "-" + std::to_string(++number);
  return connected_pair("unix:@deferred-streams-" + name);
}

#ifdef DEFERRED_TEST_TLS
Task<StreamPair> tls_over_tcp(Reactor&) {
  StreamPair lower = co_await connected_pair("127.0.0.1:0");
  Task<StreamPair> upper = tls_pair(std::move(lower));
  co_return co_await std::move(upper);
}
#endif

StreamPair memory_pair(Reactor& reactor) { return memory_pipe(reactor); }
StreamPair narrow_pair(Reactor& reactor) { return memory_pipe(reactor, 64); }

Task<StreamPair> decorated_pair(Reactor& reactor) {
  StreamPair pair = co_await unix_pair(reactor);
  io::Stream near = io::make_stream<DecoratedTransport>(std::move(pair.near));
  io::Stream far = io::make_stream<DecoratedTransport>(std::move(pair.far));
  co_return StreamPair(std::move(near), std::move(far));
}

/// One way only.
StreamPair pipe_pair(Reactor& reactor) {
  io::Pipe pipe = io::make_pipe(reactor);
  return StreamPair(std::move(pipe.out), std::move(pipe.in));
}

/// As a user does it: samples/own_transport.cpp.
StreamPair own_pair(Reactor& reactor) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
    throw std::system_error(errno, std::generic_category(), "socketpair");
  }
  io::Stream near = io::make_stream<OwnTransport>(reactor, ends[0]);
  io::Stream far = io::make_stream<OwnTransport>(reactor, ends[1]);
  return StreamPair(std::move(near), std::move(far));
}

StreamPair waiting_pair(Reactor& reactor) {
  FaultPlan plan;
  plan.fault = StreamFault::would_block;
  plan.from_then_on = true;
  StreamPair pair = memory_pipe(reactor, 1000);
  io::Stream near = faulty(std::move(pair.near), plan);
  io::Stream far = faulty(std::move(pair.far), plan);
  return StreamPair(std::move(near), std::move(far));
}

}  // namespace

std::vector<StreamUnderTest> all_streams(const ReactorUnderTest& on) {
  const auto kind = [&on](const char* name, MakeStreamPair make, StreamTrait traits) {
    StreamUnderTest tried;
    tried.name = name;
    tried.make = std::move(make);
    tried.traits = traits;
    tried.reactor = on;
    return tried;
  };
  std::vector<StreamUnderTest> all = {
      kind("tcp", tcp_pair, whole_stream),
      kind("unix", unix_pair, all_but_reset),
      kind("adopted", adopted_pair, all_but_reset),
      kind("adopted-that-blocks", adopted_blocking_pair, all_but_reset),
      kind("pipe", pipe_pair, one_way),
      kind("standard-over-a-pipe", standard_pipe_pair, one_way),
      kind("standard-over-sockets", standard_socket_pair, all_but_reset),
      kind("memory", memory_pair, whole_stream),
      kind("memory-of-64-bytes", narrow_pair, whole_stream),
      kind("decorated-unix", decorated_pair, all_but_reset),
      kind("own-transport", own_pair, all_but_reset),
      kind("memory-that-waits", waiting_pair, whole_stream),
  };
  // All of it has come when the call returns, but not with TCP.
  for (StreamUnderTest& one : all) {
    if (one.name != "tcp") one.rest = std::chrono::microseconds(500);
  }
#ifdef DEFERRED_TEST_TLS
  all.push_back(kind("tls-over-tcp", tls_over_tcp, whole_stream));
#endif
  // The kernel brings a terminal's bytes over in a thread of its own, in real time.
  const bool is_real = (on.can & Capability::real_time) != Capability::nothing;
  if (is_real && has_terminals()) {
    all.push_back(kind("terminal", terminal_pair, one_way));
    all.back().rest = std::chrono::milliseconds(10);
  }
  return all;
}

void check_all_streams(const ReactorUnderTest& on) {
  for (const StreamUnderTest& tried : all_streams(on)) check_stream(tried);
}

}  // namespace deferred::testing
