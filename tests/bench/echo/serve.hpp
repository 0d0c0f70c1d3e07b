// SPDX-License-Identifier: MIT
//
// Our echo, as one would write it: the microthread of a connection, in the server of W8 and in the
// scripted echo of ../works.
#pragma once

#include <array>
#include <system_error>
#include <utility>

#include "deferred/io/stream.hpp"
#include "deferred/tasks/task.hpp"
#include "server.hpp"

namespace echo {

inline deferred::Task<> serve(deferred::io::Stream stream) {
  std::array<char, echo::room> buffer;
  try {
    while (true) {
      const std::size_t got = co_await stream.read_some(buffer);
      if (got == 0) co_return;
      co_await stream.write_all({buffer.data(), got});
    }
  } catch (const std::system_error&) {  // this connection's own trouble
  }
}

}  // namespace echo
