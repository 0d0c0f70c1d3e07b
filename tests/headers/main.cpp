// SPDX-License-Identifier: MIT
//
// Links the translation units that hold one public header each.
// The front of the conformance kit for doctest needs that, as any program with doctest does.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

int main() {
  std::printf("%d headers\n", HEADERS);
  return HEADERS > 0 ? 0 : 1;
}
