// SPDX-License-Identifier: MIT
//
// run_one: a case of any of the kits, run with a limit, and looked at for what it leaves behind.
// What runner.cpp and streams/runner.cpp have in common.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "deferred/testing/conformance/context.hpp"
#include "deferred/testing/reactor_conformance.hpp"

namespace deferred::testing::conformance {

/// "GROUP: NAME" of a case of a kit.
template <class Case>
std::string title_of(const Case& one) {
  return std::string(one.group) + ": " + one.name;
}

/// Throws std::invalid_argument for a name to skip that no case has, and for a filter that lets
/// none pass: they would say that all is well.
template <class Case>
void require_names(const std::vector<Case>& all,
                   const std::map<std::string, std::string, std::less<>>& skip,
                   const std::string& filter) {
  for (const auto& [name, why] : skip) {
    const bool is_known = std::any_of(all.begin(), all.end(), [&name = name](const Case& one) {
      return one.name == std::string_view(name);
    });
    if (!is_known) throw std::invalid_argument("skip: there is no case '" + name + "'");
  }
  const bool any = std::any_of(all.begin(), all.end(), [&filter](const Case& one) {
    return title_of(one).find(filter) != std::string::npos;
  });
  if (!any) throw std::invalid_argument("filter: no case contains '" + filter + "'");
}

/// What a backend's first use opens for the whole process is no leak of a case: it is used once.
void warm_up(const ReactorUnderTest& tried);
/// Runs `body` on a fresh backend, in this process or, with ConformanceOptions::isolate, in another
/// one. `title` is for what cannot be stopped in this one, which ends it.
CaseResult run_one(const ReactorUnderTest& tried, const std::string& title,
                   const std::function<void(ConformanceContext&)>& body,
                   const ConformanceOptions& options);

/// "conformance NAME: N passed, N failed, N skipped"
std::string summary_of(const std::string& name, std::size_t passed, std::size_t failed,
                       std::size_t skipped);
/// A line, unless it has passed; nothing if `out` is null.
void print_result(std::FILE* out, const std::string& title, const CaseResult& result);
void print_summary(std::FILE* out, const std::string& summary);

}  // namespace deferred::testing::conformance
