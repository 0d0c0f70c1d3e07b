// SPDX-License-Identifier: MIT
//
// Log: what has happened, in order, as the library and a model of it tell it in the same words. Two
// that run the same program have to give the same one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace deferred::model {

struct Entry {
  std::string_view what;  // a literal
  unsigned whose = 0;     // a number of the program
  int with = 0;
  friend bool operator==(const Entry&, const Entry&) = default;
};

using Log = std::vector<Entry>;

/// How errors are told: those of the program's own have numbers from 0 on.
constexpr int cancelled = -1;
constexpr int abandoned = -2;
constexpr int circular = -3;
constexpr int timed_out = -4;
constexpr int unknown = -9;

/// The two side by side, up to the first line in which they differ, as a comment in C++.
std::string beside(const Log& library, const Log& model);
/// The end of a test in C++: its log is this one.
std::string checked(const Log& expected);

}  // namespace deferred::model
