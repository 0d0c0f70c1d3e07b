// SPDX-License-Identifier: MIT
// expect: serve: the handler is a coroutine that takes the Stream by value and gives a Task<>
#include "deferred/io/serve.hpp"

deferred::Task<> serves(deferred::io::Listener& listener) {
  const auto closes = [](deferred::io::Stream stream) { stream.close(); };
  co_await deferred::io::serve(listener, closes);  // refused: it is no coroutine
}
