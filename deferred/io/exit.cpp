// SPDX-License-Identifier: MIT
#include "deferred/io/exit.hpp"

#include <csignal>
#include <cstring>

namespace deferred::io {

std::string Exit::text() const {
  switch (how_) {
    case How::exited:
      return "exited with status " + std::to_string(number_);
    case How::killed: {
      const char* const name = ::sigdescr_np(number_);
      return "killed by signal " + std::to_string(number_) +
             (name ? " (" + std::string(name) + ")" : "");
    }
    default:
      return "ended in a way that is not known";
  }
}

}  // namespace deferred::io
