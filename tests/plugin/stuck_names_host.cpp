// SPDX-License-Identifier: MIT
//
// Loads stuck_names.cpp, FILE, and unloads it while a thread of it is in our getaddrinfo. Where
// that returns to has to be there: then it prints so.
#include <dlfcn.h>
#include <netdb.h>

#include <atomic>
#include <cstdio>
#include <thread>

namespace {

std::atomic<bool> asked{false}, let_go{false}, ended{false};

void wait_for(const std::atomic<bool>& flag) {
  while (!flag) std::this_thread::yield();
}

/// Of the thread that asks: told when it has gone through all of its code.
struct AtThreadEnd {
  ~AtThreadEnd() { ended = true; }
  bool used = false;
};
thread_local AtThreadEnd at_thread_end;

}  // namespace

extern "C" int getaddrinfo(const char*, const char*, const addrinfo*, addrinfo**) {
  at_thread_end.used = true;
  asked = true;
  wait_for(let_go);
  return EAI_AGAIN;
}
extern "C" void wait_until_asked() { wait_for(asked); }

int main(int, char** arguments) {
  void* const library = ::dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (!library) return std::puts(::dlerror()), 1;
  // In a thread that ends: glibc unloads nothing for which a thread still has to destroy things.
  std::thread(reinterpret_cast<void (*)()>(::dlsym(library, "begin_look_up"))).join();
  ::dlclose(library);

  let_go = true;
  wait_for(ended);
  std::puts("the thread has ended");
  return 0;
}
