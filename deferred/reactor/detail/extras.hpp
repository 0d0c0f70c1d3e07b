// SPDX-License-Identifier: MIT
//
// Extras: what only few microthreads have, and the cancel scopes among it.
#pragma once

#include <string>

#include "deferred/memory/api.hpp"
#include "deferred/results/failure.hpp"

namespace deferred::detail {

class Chain;
struct Microthread;

/// One cancel scope on the stack of a microthread's frames, innermost first.
struct Scope {
  Scope* outer = nullptr;
  bool cancelled = false;
  bool shield = false;
};

/// What only few microthreads have.
struct Extras {
  std::string name;
  Failure pending;  // see Flag::throw_next
  Scope* innermost = nullptr;
  Chain* completion = nullptr;
};

DEFERRED_API Extras& extras_of(Microthread& m);

}  // namespace deferred::detail
