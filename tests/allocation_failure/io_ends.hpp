// SPDX-License-Identifier: MIT
//
// Ends: the two ends of a connection over the loopback, for the programs of io.
#pragma once

#include <utility>

#include "tests/allocation_failure/programs.hpp"

namespace deferred::testing {

class Ends {
 public:
  Ends(io::Stream one, io::Stream other) : near(std::move(one)), far(std::move(other)) {}
  io::Stream near;
  io::Stream far;
};
/// Made with memory.
inline Ends connected(Reactor& reactor) {
  const AllocationsSucceed memory;
  io::Listener listener = io::listen(reactor, "127.0.0.1", 0);
  Deferred<io::Stream> near = spawn(reactor, io::connect("127.0.0.1", listener.port()));
  Deferred<io::Stream> far = spawn(reactor, listener.accept());
  turn_until(reactor, [&] { return near.has_result() && far.has_result(); });
  io::Stream one = std::move(near).result().value();
  io::Stream other = std::move(far).result().value();
  return Ends(std::move(one), std::move(other));
}
/// Written with memory, to be read by what is tried.
inline void say(Reactor& reactor, io::Stream& stream, std::string_view text) {
  const AllocationsSucceed memory;
  right(end_of(reactor, spawn(reactor, stream.write_all(text))).has_value(), "nothing is written");
}
/// Read with memory: all that comes, or so much of it.
inline std::string heard(Reactor& reactor, io::Stream& stream, std::size_t most = 100) {
  const AllocationsSucceed memory;
  std::string text(most, ' ');
  const auto got = end_of(reactor, spawn(reactor, stream.read_some(text)));
  right(got.has_value(), "nothing is read");
  text.resize(*got);
  return text;
}

}  // namespace deferred::testing
