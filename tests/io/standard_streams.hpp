// SPDX-License-Identifier: MIT
//
// What tests of standard streams put in their place.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include "deferred/io/descriptor.hpp"

namespace deferred::testing {

/// While it lives, a standard stream is another file.
class Standing {
 public:
  Standing(int number, int in_place)
      : number_(number), saved_(::fcntl(number, F_DUPFD_CLOEXEC, 10)) {
    REQUIRE(::dup2(in_place, number) == number);
  }
  Standing(const Standing&) = delete;
  Standing& operator=(const Standing&) = delete;
  ~Standing() { ::dup2(saved_.fd(), number_); }

 private:
  int number_;
  io::Descriptor saved_;
};

class SystemPipe {
 public:
  SystemPipe() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    in = io::Descriptor(ends[0]);
    out = io::Descriptor(ends[1]);
  }
  io::Descriptor in;
  io::Descriptor out;
};

}  // namespace deferred::testing
