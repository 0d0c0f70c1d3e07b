// SPDX-License-Identifier: MIT
#include "deferred/reactor/detail/gdb_layout.hpp"

#include <cstddef>
#include <iterator>
#include <string>

#include "deferred/reactor/detail/microthread.hpp"
#include "deferred/results/detail/chain.hpp"
#include "deferred/results/detail/source_record.hpp"
#include "deferred/results/failure.hpp"

// The standard promises offsetof for classes whose fields all stand in one class, with one access.
// The ABI of g++ and clang fixes it for all but virtual bases; they take it, with this warning.
#pragma GCC diagnostic ignored "-Winvalid-offsetof"

namespace deferred::detail {
namespace {

// How a std::string lies in memory.
#if defined(_LIBCPP_VERSION)
constexpr std::uint32_t kind_of_strings = 1;
#elif defined(_GLIBCXX_USE_CXX11_ABI) && !_GLIBCXX_USE_CXX11_ABI
constexpr std::uint32_t kind_of_strings = 2;
#else
constexpr std::uint32_t kind_of_strings = 0;
#endif

// What is read as the one pointer that it holds.
static_assert(sizeof(Failure) == sizeof(void*));
static_assert(sizeof(SourceLocation) == sizeof(void*));

}  // namespace

struct GdbLayout::Word {
  char name[28];
  std::uint32_t value;

  static const Word all[];
};

constinit const GdbLayout::Word GdbLayout::Word::all[] = {
    {"Reactor.tasks", offsetof(Reactor, tasks_)},
    {"Reactor.loose_families", offsetof(Reactor, loose_families_)},
    {"Reactor.failed", offsetof(Reactor, failed_)},
    {"Reactor.next", offsetof(Reactor, next_of_process_)},
    {"Task.size", sizeof(Microthread)},
    {"Task.next", offsetof(Microthread, next_live)},
    {"Task.reactor", offsetof(Microthread, reactor)},
    {"Task.leaf", offsetof(Microthread, leaf)},
    {"Task.wait", offsetof(Microthread, wait)},
    {"Task.family", offsetof(Microthread, family)},
    {"Task.id_low", offsetof(Microthread, id_low)},
    {"Task.id_high", offsetof(Microthread, id_high)},
    {"Task.flags", offsetof(Microthread, flags)},
    {"Task.extras", offsetof(Microthread, extras_)},
    {"Task.completion", offsetof(Microthread, completion_)},
    {"flag.started", Microthread::started},
    {"flag.running", Microthread::running},
    {"flag.suspended", Microthread::suspended},
    {"flag.done", Microthread::done},
    {"flag.closing", Microthread::closing},
    {"flag.root_cancelled", Microthread::root_cancelled},
    {"flag.has_extras", Microthread::has_extras},
    {"flag.listed_as_failed", Microthread::listed_as_failed},
    {"Extras.size", sizeof(Extras)},
    {"Extras.name", offsetof(Extras, name)},
    {"Extras.completion", offsetof(Extras, completion)},
    {"Extras.innermost_family", offsetof(Extras, innermost_family)},
    {"Extras.branches", offsetof(Extras, branches)},
    {"Extras.pauses", offsetof(Extras, pauses)},
    {"string.size", sizeof(std::string)},
    {"string.kind", kind_of_strings},
    {"Family.task", offsetof(Family, task)},
    {"Family.children", offsetof(Family, children)},
    {"Family.outer", offsetof(Family, outer_family)},
    {"Family.next_loose", offsetof(Family, next_loose)},
    {"Frame.size", sizeof(FrameBase)},
    {"Frame.called_by", offsetof(FrameBase, called_by)},
    {"Frame.where", offsetof(FrameBase, where)},
    {"Call.caller", offsetof(CallLink, caller)},
    {"Wait.size", sizeof(Wait)},
    {"Wait.ops", offsetof(Wait, ops)},
    {"Wait.state", offsetof(Wait, state)},
    {"Wait.open", static_cast<std::uint32_t>(Wait::State::open)},
    {"WaitOps.yieldable", offsetof(WaitOps, yieldable)},
    {"Place.size", sizeof(SourceRecord)},
    {"Place.file", offsetof(SourceRecord, file)},
    {"Place.function", offsetof(SourceRecord, function)},
    {"Place.line", offsetof(SourceRecord, line)},
    {"Chain.slot", offsetof(Chain, slot_)},
    {"Failure.type", offsetof(FailureNode, type)},
    {"Failure.payload", offsetof(FailureNode, payload)},
};

namespace {

struct Base {};
struct OtherBase {};
struct OneBase : Base {};
struct TwoBases : Base, OtherBase {};

// A section of its own, for a name that is left when all symbols are stripped.
[[gnu::section(".deferred_layout"), gnu::used]] constinit const GdbLayout layout{
    1,
    sizeof(void*),
    std::size(GdbLayout::Word::all),
    GdbLayout::Word::all,
    &all_reactors,
    &typeid(OneBase),
    &typeid(TwoBases),
    gdb_script};

}  // namespace

[[gnu::used]] constinit AllReactors all_reactors{nullptr, &layout};

}  // namespace deferred::detail
