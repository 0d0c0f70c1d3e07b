// SPDX-License-Identifier: MIT
//
// A program that has the library, and loads a plug-in that brings its own.
#include <dlfcn.h>

#include <cstdio>

#include "deferred/reactor/reactor.hpp"

int main(int, char** arguments) {
  const deferred::Reactor reactor;
  if (!::dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL)) std::puts(::dlerror());
}
