// SPDX-License-Identifier: MIT
#include "deferred/testing/stream_pair.hpp"

#include <tuple>

#include "deferred/io/address.hpp"
#include "deferred/io/network.hpp"
#include "deferred/yieldables/all.hpp"

namespace deferred::testing {

Task<StreamPair> connected_pair(std::string address) {
  io::Network& network = io::current_network();
  const io::ListenOptions as_usual;
  io::Listener listener = network.listen(io::Address::parse(address), as_usual);
  // At once: there may be networks whose connect() is done when somebody accepts.
  Task<io::Stream> connecting = network.connect(listener.acceptor().local());
  Task<io::Stream> accepting = listener.accept();
  auto both = co_await all(std::move(connecting), std::move(accepting));
  co_return StreamPair(std::move(std::get<0>(both)), std::move(std::get<1>(both)));
}

}  // namespace deferred::testing
