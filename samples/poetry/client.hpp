// SPDX-License-Identifier: MIT
//
// What a poetry client does on the wire, as tasks: the two versions, get_poetry.cpp and
// get_poetry_chain.cpp, put them together in their own styles.
#pragma once

#include <deferred/deferred.hpp>

#include <string>
#include <utility>

#include "samples/poetry/arguments.hpp"

namespace poetry {

/// Downloads a poem: all that the server sends until it closes.
deferred::Task<std::string> get_poetry(Address server, deferred::Duration timeout);

/// The transform server, spoken to in netstrings over a connection for each request.
class TransformProxy {
 public:
  TransformProxy(Address server, deferred::Duration timeout)
      : server_(std::move(server)), timeout_(timeout) {}

  /// The poem as the transform `name` makes it.
  deferred::Task<std::string> transform(std::string name, std::string poem) const;

 private:
  Address server_;
  deferred::Duration timeout_;
};

}  // namespace poetry
