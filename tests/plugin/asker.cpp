// SPDX-License-Identifier: MIT
//
// A plug-in that registers nothing. It is built for each of two types, ASKED, whose names are as
// long: what lies where in the two files is the same.
#include "tests/plugin/asker.hpp"

namespace {

deferred::Task<int> ask_it() {
  const plugin::ASKED asked;
  co_return co_await asked;
}

}  // namespace

extern "C" [[gnu::visibility("default")]] void ask(deferred::Task<int>& task) { task = ask_it(); }
