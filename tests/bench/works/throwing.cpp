// SPDX-License-Identifier: MIT
//
// W1c-throw: a callback that throws.
#include <utility>

#include "deferred/results/deferred.hpp"
#include "works.hpp"

namespace {

using namespace deferred;

struct Thrown {
  int code;
};

}  // namespace

void works::throwing(bench::Program& program) {
  program.each("W1c-throw",
               [] {
                 auto [promise, start] = make_deferred<int>();
                 const int k = bench::opaque(1);
                 auto end = std::move(start)
                                .add_callback([k](int v) -> int { throw Thrown{v + k}; })
                                .add_callback([k](int v) { return v ^ k; })
                                .add_errback([k](const Thrown& thrown) { return thrown.code + k; });
                 promise.callback(k);
                 bench::keep(*std::move(end).result());
               },
               "", {0, 200});
}
