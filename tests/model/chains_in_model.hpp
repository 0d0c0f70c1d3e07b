// SPDX-License-Identifier: MIT
//
// A program of Deferreds, run by the model.
#pragma once

#include <optional>

#include "tests/model/chains_program.hpp"
#include "tests/model/log.hpp"

namespace deferred::model {

/// Nothing, if a Deferred waits for itself through a SharedDeferred: it is never freed.
std::optional<Log> run_chains_in_model(const ChainsProgram& program);

}  // namespace deferred::model
