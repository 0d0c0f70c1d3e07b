// SPDX-License-Identifier: MIT
//
// The border's checks in a program.
extern "C" int run();

int main() { return run(); }
