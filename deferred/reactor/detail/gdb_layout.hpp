// SPDX-License-Identifier: MIT
//
// GdbLayout: where in memory the fields lie that gdb_commands.py reads, in every build: those
// commands need no debug information of the library, and no symbol. They look for the section
// `.deferred_layout`, which has nothing else in it. Next: gdb_commands.py, and gdb_script.cpp.in,
// by which it becomes a part of the library.
#pragma once

#include <cstdint>
#include <typeinfo>

namespace deferred {
class Reactor;
}

namespace deferred::detail {

struct AllReactors;

/// A friend of what it measures. gdb_commands.py reads the fields by their order, the words by
/// their names.
struct GdbLayout {
  struct Word;

  std::uint16_t version;
  std::uint16_t pointer_size;
  std::uint32_t word_count;
  const Word* words;
  const AllReactors* reactors;
  const std::type_info* one_base;   // of a class that has one,
  const std::type_info* two_bases;  // and of one that has two
  const char* script;
};

/// Whoever makes a reactor needs this list; what it refers to comes along, and no linker drops it.
struct AllReactors {
  Reactor* first;  // of the process: see fork.cpp
  const GdbLayout* layout;
};
extern constinit AllReactors all_reactors;

/// The commands, as gdb finds them.
extern const char gdb_script[];

}  // namespace deferred::detail
