// SPDX-License-Identifier: MIT
// expect: this yieldable can be awaited only once: co_await std::move(x)
#include "deferred/io/stream.hpp"

deferred::Task<> writes(deferred::io::Stream& stream) {
  auto writing = stream.write_all("once");
  co_await writing;  // refused: it would be written twice
}
