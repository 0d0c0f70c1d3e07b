// SPDX-License-Identifier: MIT
#include "deferred/results/source_location.hpp"

#include <atomic>
#include <cstddef>
#include <functional>
#include <new>

namespace deferred::detail {
namespace {

// Records of users' compilers that make none themselves: one a place, never freed. Each list only
// grows, at its head.
struct KeptRecord : SourceRecord {
  KeptRecord(const SourceRecord& record, KeptRecord* others) noexcept
      : SourceRecord(record), next(others) {}
  KeptRecord* next;
};
constinit std::atomic<KeptRecord*> kept[1024]{};

}  // namespace

const SourceRecord* source_record(const char* file, const char* function,
                                  std::uint32_t line) noexcept {
  std::atomic<KeptRecord*>& list =
      kept[(std::hash<const char*>()(function) / 8 + line) % (sizeof kept / sizeof kept[0])];
  KeptRecord* made = nullptr;
  KeptRecord* newest = list.load(std::memory_order_acquire);
  for (const KeptRecord* end = nullptr;;) {
    for (KeptRecord* each = newest; each != end; each = each->next) {
      if (each->function == function && each->line == line && each->file == file) {
        delete made;
        return each;
      }
    }
    // Strings by address: those of a plug-in that is gone may be others' by now, and then are
    // read as theirs.
    if (!made) made = new (std::nothrow) KeptRecord({file, function, line, 0}, newest);
    if (!made) return nullptr;
    end = made->next = newest;
    if (list.compare_exchange_strong(newest, made, std::memory_order_acq_rel,
                                     std::memory_order_acquire)) {
      return made;
    }
  }
}

}  // namespace deferred::detail
