// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "deferred/io.hpp"

using namespace deferred;

namespace {

Task<std::string> talk() {
  io::Listener listener = io::listen("127.0.0.1", 0);
  io::Stream client = co_await io::connect("127.0.0.1", listener.port());
  io::Stream server = co_await listener.accept();
  co_await client.write_all("hello");
  client.close();
  co_return co_await server.read_to_end();
}

TEST_CASE("the io door leads to streams") {
  Reactor reactor;
  CHECK(reactor.run_until(talk()) == "hello");
}

}  // namespace
