// SPDX-License-Identifier: MIT
//
// A program of Deferreds, run by the library. Public headers only.
#pragma once

#include "tests/model/chains_program.hpp"
#include "tests/model/log.hpp"

namespace deferred::model {

Log run_chains_in_library(const ChainsProgram& program);

}  // namespace deferred::model
