// SPDX-License-Identifier: MIT
//
// An exception_ptr taken for the error itself.
// expect: use Failure::from(exception_ptr)
#include <exception>

#include "deferred/results/failure.hpp"

deferred::Failure failure{std::exception_ptr()};

int main() {}
