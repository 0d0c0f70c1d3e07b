// SPDX-License-Identifier: MIT
// expect: serve: the handler is a coroutine that takes the Stream by value and gives a Task<>
#include "deferred/io/serve.hpp"

deferred::Task<> serves(deferred::io::Listener& listener) {
  const auto ends = [](deferred::io::Stream& stream) -> deferred::Task<> {
    co_await stream.shutdown_write();
  };
  co_await deferred::io::serve(listener, ends);  // refused: the stream would be nobody's
}
