// SPDX-License-Identifier: MIT
//
// Hooked: takes a reactor's error hook, and keeps what it is called with.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "deferred/reactor/reactor.hpp"
#include "deferred/results/failure.hpp"

namespace deferred::testing {

/// Collects what goes to the error hook: "who: what".
struct Hooked {
  explicit Hooked(Reactor& reactor) {
    reactor.set_error_hook([this](const Failure& failure, std::string_view by) {
      texts.push_back(std::string(by) + ": " + failure.what());
    });
  }
  std::vector<std::string> texts;
};

}  // namespace deferred::testing
