// SPDX-License-Identifier: MIT
//
// W1: chains of three.
#include <utility>

#include "deferred/results/deferred.hpp"
#include "works.hpp"

namespace {

using namespace deferred;

struct Oops {
  int code;
};

}  // namespace

void works::chains(bench::Program& program) {
  program.each("W1", [] {
    auto [promise, start] = make_deferred<int>();
    const int k = bench::opaque(1);
    auto end = std::move(start)
                   .add_callback([k](int v) { return v + k; })
                   .add_callback([k](int v) { return v ^ k; })
                   .add_callback([k](int v) { return v + k; });
    promise.callback(k);
    bench::keep(*std::move(end).result());
  });
  program.each("W1b", [] {
    const int k = bench::opaque(1);
    auto end = succeed(bench::opaque(2))
                   .add_callback([k](int v) { return v + k; })
                   .add_callback([k](int v) { return v ^ k; })
                   .add_callback([k](int v) { return v + k; });
    bench::keep(*std::move(end).result());
  });
  program.each("W1c", [] {
    auto [promise, start] = make_deferred<int>();
    const int k = bench::opaque(1);
    auto end = std::move(start)
                   .add_callback([k](int v) { return v + k; })
                   .add_callback([k](int v) { return v ^ k; })
                   .add_errback([k](const Oops& oops) { return oops.code + k; });
    promise.errback(Oops{k});
    bench::keep(*std::move(end).result());
  });
}
