// SPDX-License-Identifier: MIT
//
// An error that cannot be thrown to several readers.
// expect: the error must be copyable
#include <memory>

#include "deferred/results/failure.hpp"

deferred::Failure failure(std::make_unique<int>(1));

int main() {}
