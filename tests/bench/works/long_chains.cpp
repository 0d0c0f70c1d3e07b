// SPDX-License-Identifier: MIT
//
// chain-8: more callbacks than the block of a Deferred has room for.
#include <utility>

#include "deferred/results/deferred.hpp"
#include "works.hpp"

void works::long_chains(bench::Program& program) {
  program.each("chain-8", [] {
    auto [promise, start] = deferred::make_deferred<int>();
    const int k = bench::opaque(1);
    auto end = std::move(start)
                   .add_callback([k](int v) { return v + k; })
                   .add_callback([k](int v) { return v ^ k; })
                   .add_callback([k](int v) { return v + k; })
                   .add_callback([k](int v) { return v ^ k; })
                   .add_callback([k](int v) { return v + k; })
                   .add_callback([k](int v) { return v ^ k; })
                   .add_callback([k](int v) { return v + k; })
                   .add_callback([k](int v) { return v ^ k; });
    promise.callback(k);
    bench::keep(*std::move(end).result());
  });
}
