// SPDX-License-Identifier: MIT
//
// Links the translation units that hold one public header each.
#include <cstdio>

int main() {
  std::printf("%d headers\n", HEADERS);
  return HEADERS > 0 ? 0 : 1;
}
