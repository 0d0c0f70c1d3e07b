// SPDX-License-Identifier: MIT
//
// DEFERRED_API, the one macro of the library: what a shared one exports. It stands before what is
// public and not inline, and before what inline code calls. In the head of a class it is for the
// whole: for each that is thrown or has virtual functions, which has to be one class on both sides
// of a border, and for those that have no templates within. What only the library calls is hidden
// again there. All that has no mark is hidden, for the library is built with -fvisibility=hidden.
// Users define nothing, whatever they build and however the library was built.
#pragma once

#define DEFERRED_API [[gnu::visibility("default")]]
