// SPDX-License-Identifier: MIT
//
// A result that cannot be moved to whoever takes it.
// expect: hold a std::unique_ptr to a type
#include <mutex>

#include "deferred/results/deferred.hpp"

deferred::Deferred<std::mutex> immovable;

int main() {}
