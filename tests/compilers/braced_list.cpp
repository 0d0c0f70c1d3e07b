// SPDX-License-Identifier: MIT
//
// A braced list inside an await expression: does it compile? A row of the table of hazards.cpp.
#include <coroutine>
#include <vector>

struct Task {
  struct promise_type {
    Task get_return_object() { return {}; }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() {}
  };
};

std::suspend_never use(std::vector<int>) { return {}; }

Task shape(int a, int b) { co_await use({a, b}); }

int main() { shape(1, 2); }
