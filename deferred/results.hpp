// SPDX-License-Identifier: MIT
//
// The door of results/: results that will come, as values, and errors as values. No reactor is
// needed.
#pragma once

#include "deferred/results/any_duration.hpp"
#include "deferred/results/cancelling.hpp"
#include "deferred/results/deferred.hpp"
#include "deferred/results/errors.hpp"
#include "deferred/results/failure.hpp"
#include "deferred/results/outcome.hpp"
#include "deferred/results/shared_deferred.hpp"
#include "deferred/results/source_location.hpp"
#include "deferred/results/unit.hpp"
