// SPDX-License-Identifier: MIT
#include "deferred/results/detail/same_build.hpp"

#include <link.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace deferred::detail {

namespace {

// Each copy of the library has an ELF note, which is found in a program that exports no symbol.
struct Note {
  ElfW(Nhdr) head;
  char name[12];  // a multiple of four, as notes want it
};
[[gnu::section(".note.deferred"), gnu::used]] alignas(4) const Note note{{sizeof "deferred", 0, 1},
                                                                         "deferred"};

bool holds(const dl_phdr_info& object, const ElfW(Phdr) & part, const void* address) {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  return part.p_type == PT_LOAD && at - (object.dlpi_addr + part.p_vaddr) < part.p_memsz;
}

// Notes are padded to 4 bytes or to 8, and what the segment says need not hold for all: mold puts
// both kinds into one. Gone through with the wrong one, it holds anything.
bool has_note(const dl_phdr_info& object, const ElfW(Phdr) & part, std::size_t align) {
  if (part.p_type != PT_NOTE) return false;
  const auto* const notes = reinterpret_cast<const char*>(object.dlpi_addr + part.p_vaddr);
  const auto padded = [align](std::size_t size) { return (size + align - 1) / align * align; };
  for (std::size_t at = 0; at + sizeof(Note) <= part.p_memsz;) {
    ElfW(Nhdr) head;
    std::memcpy(&head, notes + at, sizeof head);
    at += sizeof head;
    if (head.n_namesz == sizeof "deferred" &&
        std::memcmp(notes + at, "deferred", head.n_namesz) == 0) {
      return true;
    }
    at += padded(head.n_namesz) + padded(head.n_descsz);
  }
  return false;
}

struct Copies {
  const char* mine = "";  // the file; empty: the program
  bool in_program = false;
};
int look(dl_phdr_info* object, std::size_t, void* found) {
  auto& copies = *static_cast<Copies*>(found);
  for (std::size_t i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& part = object->dlpi_phdr[i];
    if (holds(*object, part, &note)) copies.mine = object->dlpi_name;
    // The program has no name here.
    if (*object->dlpi_name != '\0') continue;
    if (has_note(*object, part, 4) || has_note(*object, part, 8)) copies.in_program = true;
  }
  return 0;
}

// A copy beside that of the program, or of a library that lies open to all, would share some
// things with it and have others twice: the running task, the types, the free lists. Two plug-ins
// that know nothing of each other may each have one.
[[gnu::constructor(101)]] void refuse_second_copy() {
  Copies copies;
  dl_iterate_phdr(look, &copies);
  const bool is_another = copies.in_program && *copies.mine != '\0';
  const bool is_covered = Library<Build>::present != &note;  // symbols of another come first
  if (!is_another && !is_covered) return;
  std::fprintf(stderr,
               "deferred: %s brings a second copy of the library into the process. Link the "
               "program and its plug-ins with the shared library, or let the plug-ins take the "
               "program's symbols: docs/building.md, \"Shared libraries and plug-ins\"\n",
               *copies.mine == '\0' ? "the program" : copies.mine);
  std::abort();
}

}  // namespace

template <>
const void* Library<Build>::present = &note;

}  // namespace deferred::detail
