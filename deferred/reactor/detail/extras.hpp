// SPDX-License-Identifier: MIT
//
// Extras: what only few microthreads have.
#pragma once

#include <string>

#include "deferred/memory/api.hpp"
#include "deferred/memory/free_list.hpp"
#include "deferred/reactor/detail/scope.hpp"
#include "deferred/results/failure.hpp"

namespace deferred::detail {

class Chain;
struct Microthread;

struct Extras : Recycled {
  std::string name;
  Failure pending;  // see Flag::throw_next
  Chain* completion = nullptr;
  // Its scopes, and the nurseries' among them.
  Scope* innermost = nullptr;
  Scope* outermost = nullptr;
  Family* innermost_family = nullptr;
  Family* may_have_children = nullptr;  // no family inside of it has any
  Microthread* branches = nullptr;      // the parts of its wait, the newest first
  bool held_once = false;               // a one-shot cancel, by a shield
};

DEFERRED_API Extras& extras_of(Microthread& m);

}  // namespace deferred::detail
