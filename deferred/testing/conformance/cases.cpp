// SPDX-License-Identifier: MIT
#include "deferred/testing/conformance/cases.hpp"

namespace deferred::testing {
namespace {

std::vector<ConformanceCase> all_groups() {
  struct Group {
    const char* name;
    std::span<const ConformanceCase> cases;
  };
  const Group groups[] = {
      {"backend", conformance::backend_cases()},
      {"backend descriptors", conformance::backend_descriptor_cases()},
      {"run", conformance::run_cases()},
      {"shutdown", conformance::shutdown_cases()},
      {"signals", conformance::signal_cases()},
      {"posts", conformance::post_cases()},
      {"threads", conformance::thread_cases()},
      {"offloads", conformance::offload_cases()},
      {"timers", conformance::timer_cases()},
      {"changing timers", conformance::timer_change_cases()},
      {"watches", conformance::watch_cases()},
      {"changing watches", conformance::watch_change_cases()},
      {"tcp connecting", conformance::tcp_connecting_cases()},
      {"tcp streams", conformance::tcp_stream_cases()},
      {"tcp ending", conformance::tcp_ending_cases()},
      {"cancelling", conformance::cancelling_cases()},
      {"exceptions", conformance::exception_cases()},
      {"destruction", conformance::destruction_cases()},
      {"fairness", conformance::fairness_cases()},
      {"bounds", conformance::bound_cases()},
      {"forks", conformance::fork_cases()},
  };
  std::vector<ConformanceCase> all;
  for (const Group& group : groups) {
    for (ConformanceCase one : group.cases) {
      one.group = group.name;
      all.push_back(one);
    }
  }
  return all;
}

}  // namespace

const std::vector<ConformanceCase>& conformance_cases() {
  static const std::vector<ConformanceCase> all = all_groups();
  return all;
}

}  // namespace deferred::testing
