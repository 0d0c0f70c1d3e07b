// SPDX-License-Identifier: MIT
//
// The operations that a world is made of, by rooms. Each does one thing with handles that it finds,
// or nothing if there are none.
#pragma once

#include <vector>

#include "tests/fuzz/random.hpp"
#include "tests/fuzz/world.hpp"

namespace deferred::fuzz {

struct Operation {
  const char* name;
  unsigned weight;
  void (*run)(World& world, Random& random);
  bool anywhere = true;  // false: not where somebody's code is on the stack
};
using Operations = std::vector<Operation>;

Operations operations_on_results();
Operations operations_on_chains();
Operations operations_on_shared();
Operations operations_on_tasks();
Operations operations_on_waits();
Operations operations_on_time();
Operations operations_on_registry();

/// All, and which of them is meant by a number.
class Table {
 public:
  static const Table& all();
  const Operation& pick(Random& random, bool anywhere) const;

 private:
  Table();
  Operations operations_;
  unsigned weights_ = 0;
};

}  // namespace deferred::fuzz
