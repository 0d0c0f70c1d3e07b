// SPDX-License-Identifier: MIT
//
// check with anything but a bare type.
// expect: name the bare error type
#include <stdexcept>

#include "deferred/results/failure.hpp"

auto* error = deferred::Failure(1).check<const std::exception>();

int main() {}
