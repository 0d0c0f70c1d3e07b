// SPDX-License-Identifier: MIT
//
// What a program and its library must have in common: a standard library whose types are laid out
// the same. Whoever includes this refers to a name that only a library built alike has; any other
// one is refused by the linker, whose message holds that name. And one library: a copy that a
// plug-in brings into a process whose program has one ends it with a text when it is loaded.
#pragma once

#if __cplusplus < 202002L
#error deferred needs C++20 or later: -std=c++20
#endif

#include <version>

#include "deferred/memory/api.hpp"

namespace deferred::detail {

#if defined(_LIBCPP_VERSION)
struct DEFERRED_API BuiltWithLibcxx;
using Build = BuiltWithLibcxx;
#elif defined(_GLIBCXX_DEBUG)
struct DEFERRED_API BuiltWithGlibcxxDebug;
using Build = BuiltWithGlibcxxDebug;
#elif defined(_GLIBCXX_USE_CXX11_ABI) && !_GLIBCXX_USE_CXX11_ABI
struct DEFERRED_API BuiltWithLibstdcxxOfTheOldStrings;
using Build = BuiltWithLibstdcxxOfTheOldStrings;
#else
struct DEFERRED_API BuiltWithLibstdcxx;
using Build = BuiltWithLibstdcxx;
#endif

template <class How>
struct Library {
  static const void* present;
};
template <>
DEFERRED_API const void* Library<Build>::present;  // whose address: that of the first copy found

[[gnu::used, gnu::retain]] inline const void* const* const same_build = &Library<Build>::present;

}  // namespace deferred::detail
