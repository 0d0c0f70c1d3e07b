// SPDX-License-Identifier: MIT
//
// A program outside of the tree: a public header is found and the library is linked.
#include <deferred/results/failure.hpp>
#include <stdexcept>
#include <string>

int main() {
  const deferred::Failure failure{std::runtime_error{"consumed"}};
  return std::string{failure.what()} == "consumed" ? 0 : 1;
}
