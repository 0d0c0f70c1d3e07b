// SPDX-License-Identifier: MIT
//
// Extras: what only few microthreads have.
#pragma once

#include <cstdint>
#include <string>

#include "deferred/memory/api.hpp"
#include "deferred/memory/free_list.hpp"
#include "deferred/reactor/detail/context.hpp"
#include "deferred/reactor/detail/scope.hpp"
#include "deferred/results/failure.hpp"

namespace deferred::detail {

class Chain;
struct Microthread;
struct Runnable;

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
  Context context;                      // the TaskLocals it has set, and those of its maker
  // See interception.hpp.
  bool held = false;  // it is paused, its turn has come, and it is in no queue
  std::uint32_t pauses = 0;
  void (*run)(Runnable& self, bool alive) noexcept = nullptr;  // its own
};

DEFERRED_API Extras& extras_of(Microthread& m);

}  // namespace deferred::detail
