// SPDX-License-Identifier: MIT
//
// A program that knows nothing of the library loads plug-ins that do, and runs each on two threads.
#include <dlfcn.h>

#include <cstdio>
#include <thread>

int main(int count, char** arguments) {
  int failures = 0;
  for (int i = 1; i < count; ++i) {
    void* const plugin = dlopen(arguments[i], RTLD_NOW | RTLD_LOCAL);
    if (!plugin) {
      std::puts(dlerror());
      return 1;
    }
    const auto run = reinterpret_cast<int (*)()>(dlsym(plugin, "run"));
    failures += run();
    std::thread([&] { failures += run(); }).join();
  }
  return failures;
}
